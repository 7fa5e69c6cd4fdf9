from odoo import api, models, tools

from .hstyle_tier_query import TierQuery


class HstyleTierEvaluation(models.AbstractModel):
    """What customers' figures say about their tiers: a half of hstyle.membership.

    Its semantics in plain Python are in tests/tiers_model.py.
    """

    _name = "hstyle.tier.evaluation"
    _description = "Evaluation of tiers"

    @api.model
    def _evaluate(self, company, partner_ids=None, everybody=False):
        """Return what the figures of customers mean today, a dict for each.

        ``step`` is the place of the customer's tier in the ladder, from 1 on, and 0
        for who has none; ``target`` that of the highest tier whose rules of entry
        hold. ``action`` is one of

        - up: to ``target``, at once
        - renew, down: the validity is over, and the tier was kept, or was not
        - doubt, undo, clear: a refund took back what an upgrade was given for; grace
          begins, is over, or is needed no longer
        - warn: the validity ends soon, and the tier is not kept yet

        ``values`` has (mode, spec) → figure, ``first_on`` the day of the first kept
        order, and ``total`` all net spend.

        :param partner_ids: customers (commercial) to look at; None is all who bought
            from the company or are its members
        :param everybody: also return customers for whom nothing is to be done, with
            ``days``: spec → day of the first order that counts to enter
        """
        query = self._get_query(company, partner_ids=partner_ids, days=everybody)
        return query.get_rows(self.env, everybody)

    @api.model
    def _find_due(self, company):
        """Return the customers for whom there may be something to do, in order.

        Whether a refund undoes an upgrade is left to `_evaluate`, for those few whose
        spend fell.
        """
        # Let the big statement have its memory, and start at once.
        self.env.cr.execute(
            "SELECT set_config('jit', 'off', TRUE),"
            " set_config('work_mem', '256MB', TRUE)"
        )
        return self._get_query(company, coarse=True).get_due(self.env)

    @api.model
    def _get_query(self, company, drafts=(), **options):
        """Return the statement for a company; drafts are tried in place of rules."""
        ladder = self.env["res.partner.grade"]._get_ladder(company, drafts)
        return TierQuery(company, self._get_branch_ids(company), ladder, **options)

    @api.model
    @tools.ormcache("company.id")
    def _get_branch_ids(self, company):
        """Return the ids of the company and its branches, whose customers are one."""
        domain = [("id", "child_of", company.id)]
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        return companies.search(domain).ids
