import inspect
import re

from odoo.exceptions import AccessError, UserError
from odoo.models import BaseModel
from odoo.service.model import call_kw
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .access_common import AccessCommon

#: Tables whose rows nobody from outside may touch by a call or a link.
WRITTEN = """
    SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
    WHERE relname LIKE 'hstyle%' OR relname IN (
        'loyalty_card', 'loyalty_history', 'res_partner', 'sale_order', 'crm_lead',
        'rating_rating', 'calendar_event', 'utm_campaign', 'mailing_mailing'
    )
"""


def _is_from_us(code):
    return code.__module__.startswith("odoo.addons.hstyle")


def _get_calls(model):
    """Return the names of the methods on a model that can be called and are ours."""
    classes = type(model).__mro__
    host = {*dir(BaseModel)}.union(*(vars(c) for c in classes if not _is_from_us(c)))
    ours = set().union(*(vars(cls) for cls in classes if _is_from_us(cls)))
    calls = {name for name in ours if callable(getattr(type(model), name, None))}
    # The registry's own class carries all names; it is neither ours nor the host's.
    host -= set(vars(type(model))) - set(dir(BaseModel))
    return sorted(name for name in calls - host if not name.startswith("_"))


@tagged("post_install", "-at_install")
class TestOutside(AccessCommon, HttpCase):
    """What somebody without a role reaches by calls and by addresses."""

    def _count_written(self):
        self.env.flush_all()
        self.env.cr.execute(WRITTEN)
        return dict(self.env.cr.fetchall())

    def _call(self, records, name):
        """Return what a call gives and which rows it wrote; nothing if refused."""
        method = getattr(self.env.registry[records._name], name)
        parameters = list(inspect.signature(method).parameters.values())[1:]
        needed = [False for p in parameters if p.default is p.empty and p.kind < 2]
        ids = [] if getattr(method, "_api_model", False) else [records.ids]
        before = self._count_written()
        try:
            with self.env.cr.savepoint():
                given = call_kw(records.browse(), name, [*ids, *needed], {})
                return given, self._get_difference(before)
        except (AccessError, UserError, TypeError, ValueError, KeyError):
            return None, {}

    def _get_difference(self, before):
        return dict(self._count_written().items() - before.items())

    @mute_logger("odoo.models", "odoo.addons.base.models.ir_rule")
    def test_methods(self):
        """Each public method of ours says no, or shows an action without its data."""
        theirs, called = self._fill_company(), 0
        for model in self.env.registry:
            records = self.env[model]
            if records._abstract or records._transient:
                continue
            calls = _get_calls(records)
            ids = theirs.get(model) or (calls and records.search([], limit=1).ids)
            for name in calls:
                for user in self.others:
                    called += 1
                    record = records.with_user(user).browse(ids[:1])
                    given, written = self._call(record, name)
                    said = f"{user.login} by {model}.{name}"
                    is_action = isinstance(given, dict) and "type" in given
                    self.assertTrue(is_action or not given, f"{said}: {given}")
                    self.assertFalse(written, said)
        self.assertGreater(called, 400)

    def _get_addresses(self, theirs):
        """Yield the addresses of ours that a link can open, of others' records."""
        known = {
            "ticket_id": theirs["hstyle.ticket"][0],
            "list_id": theirs["hstyle.offer.list"][0],
            "gift_id": theirs["hstyle.gift"][0],
            "entry_id": theirs["hstyle.roster"][0],
            "order_id": self.env["sale.order"].search([], limit=1).id,
            "rating_id": theirs["hstyle.satisfaction"][0],
        }
        web = self.env["ir.http"]
        modules = sorted(self.env.registry._init_modules)
        rules = web._generate_routing_rules(modules, web._get_converters())
        for address, endpoint in rules:
            methods = endpoint.routing["methods"] or ["GET"]
            # Who overrides a page of the host's names no address.
            ours = endpoint.original_routing.get("routes")
            if ours and _is_from_us(endpoint.original_endpoint) and "GET" in methods:
                yield re.sub(
                    r"<(?:\w+:)?(\w+)>", lambda m: str(known.get(m[1], 1)), address
                )

    @mute_logger("odoo.http", "odoo.models", "odoo.addons.base.models.ir_rule")
    def test_addresses(self):
        """A link that somebody opens writes nothing and shows nobody else's things."""
        theirs = self._fill_company()
        addresses = sorted(set(self._get_addresses(theirs)))
        self.assertGreater(len(addresses), 15)
        secrets = ("Theirs", "Their customer", "Their member", "Their classmate")
        for user in self.others:
            public = user._is_public()
            self.authenticate(*((None, None) if public else (user.login, user.login)))
            for address in addresses:
                before = self._count_written()
                answer = self.url_open(address)
                said = f"{user.login} on {address}: {answer.status_code}"
                self.assertLess(answer.status_code, 500, said)
                self.assertFalse(self._get_difference(before), said)
                self.assertFalse([s for s in secrets if s in answer.text], said)
