from collections.abc import Set

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL


class HstyleUnion(models.AbstractModel):
    """Rows of several sources in one list, each found by its id as in a table.

    The id is ``source_id * _room + source``. To a database that is a sum, for which it
    would make every row of every source; so the query has both parts as columns, too:
    ``source`` leaves one source, ``source_id`` is a key in it.
    """

    _name = "hstyle.union"
    _description = "Rows of several sources"

    #: Above the number of any source.
    _room = 4

    @api.model
    def _search(self, domain, *args, **kwargs):
        domain = Domain(domain).map_conditions(self._find_sources)
        return super()._search(domain, *args, **kwargs)

    @api.model
    def _find_sources(self, condition):
        """Say of a condition on ids also what it means for the sources."""
        ids = condition.value
        if (condition.field_expr, condition.operator) == ("id", "="):
            ids = [ids]
        elif (condition.field_expr, condition.operator) != ("id", "in"):
            return condition
        # What the host reads in other ways: one id, a query, texts.
        if not isinstance(ids, list | tuple | Set):
            return condition
        if not all(isinstance(one, int) for one in ids):
            return condition
        parts = [divmod(row_id, self._room) for row_id in ids]

        def to_sql(_model, alias, _query):
            return SQL(
                "%s = ANY(%s) AND %s = ANY(%s)",
                SQL.identifier(alias, "source"),
                sorted({source for _source_id, source in parts}),
                SQL.identifier(alias, "source_id"),
                sorted({source_id for source_id, _source in parts}),
            )

        return condition & Domain.custom(to_sql=to_sql, predicate=lambda _row: True)
