from odoo import api, fields, models
from odoo.exceptions import AccessError

#: What a promise is made about; a call is about the customer.
DOCUMENTS = [
    ("hstyle.ticket", "Ticket"),
    ("sale.order", "Sales order"),
    ("crm.lead", "Opportunity"),
    ("res.partner", "Call"),
]


class HstylePromise(models.Model):
    """Who promised what to whom until when, and was it kept?

    What was promised is not changed afterwards; that it was kept is entered by
    `action_keep`, and counts only until the day is over.
    """

    _name = "hstyle.promise"
    _description = "Promise"
    _inherit = ["mail.thread", "mail.activity.mixin", "hstyle.promise.job"]
    _order = "due_on, id"

    name = fields.Char(string="Promise", required=True, tracking=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        required=True,
        ondelete="cascade",
        index=True,
    )
    commercial_partner_id = fields.Many2one(
        related="partner_id.commercial_partner_id",
        string="Customer or company",
        store=True,
        index=True,
    )
    document = fields.Reference(selection=DOCUMENTS, string="About")
    user_id = fields.Many2one(
        comodel_name="res.users",
        string="Responsible",
        required=True,
        index=True,
        domain=[("share", "=", False)],
        default=lambda self: self.env.user,
        tracking=True,
    )
    company_id = fields.Many2one(
        comodel_name="res.company",
        required=True,
        default=lambda self: self.env.company,
    )
    promised_on = fields.Date(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: self.env.company._hstyle_today(),
    )
    due_on = fields.Date(string="Until", required=True, tracking=True)
    state = fields.Selection(
        selection=[("open", "Owed"), ("kept", "Promise kept"), ("broken", "Broken")],
        default="open",
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        help="Kept is what was done until the day. What is done later was broken.",
    )
    done_on = fields.Date(readonly=True, copy=False)
    kept_share = fields.Float(
        string="Kept, %",
        digits=(5, 1),
        compute="_compute_kept_share",
        store=True,
        aggregator="avg",
    )

    _due_on_valid = models.Constraint(
        "CHECK (due_on >= promised_on)", "Promise something for today or a day to come."
    )
    # Read by the forms of documents and by the job.
    _document_idx = models.Index("(document) WHERE document IS NOT NULL")
    _owed_idx = models.Index("(company_id, due_on) WHERE done_on IS NULL")

    @api.depends("state")
    def _compute_kept_share(self):
        for promise in self:
            promise.kept_share = 100 * (promise.state == "kept")

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_facts(vals)
        # What a client calls a default is not ours either.
        own = {"default_state", "default_done_on"}
        given = self.env.context
        context = {key: given[key] for key in given if key not in own}
        plain = self if self.env.su else self.with_env(self.env(context=context))
        return super(HstylePromise, plain).create(vals_list).with_env(self.env)

    def write(self, vals):
        self._check_facts(vals)
        self._check_words(vals)
        result = super().write(vals)
        if "user_id" in vals:
            self._hand_over()
        return result

    @api.model
    def _check_facts(self, vals):
        """Keep by whom and when it was kept out of reach of forms and RPC."""
        if not self.env.su and not vals.keys().isdisjoint({"state", "done_on"}):
            raise AccessError(self.env._("Use the buttons to say what became of it."))

    def _check_words(self, vals):
        """Leave corrections of what was promised to managers."""
        words = {
            "name",
            "partner_id",
            "promised_on",
            "due_on",
            "document",
            "company_id",
        }
        if (
            not self.env.su
            and not vals.keys().isdisjoint(words)
            and not self.env.user._is_crm_manager()
        ):
            raise AccessError(
                self.env._(
                    "What was promised stays. Make another promise, or ask a CRM "
                    "manager to correct this one."
                )
            )

    # === ACTION METHODS === #

    def action_keep(self):
        """Note that it was done today."""
        self.check_access("write")
        for promise in self.sudo().filtered(lambda p: not p.done_on):
            today = promise.company_id._hstyle_today()
            kept = promise.state == "open" and today <= promise.due_on
            promise.write({"done_on": today, "state": "kept" if kept else "broken"})
            promise.activity_feedback(["mail.mail_activity_data_todo"])

    def action_reopen(self):
        """Take back that it was done; a day that is over was missed then."""
        self.check_access("write")
        for promise in self.sudo().filtered("done_on"):
            over = promise.due_on < promise.company_id._hstyle_today()
            promise.write({"done_on": False, "state": "broken" if over else "open"})
            promise.is_reminded = False
