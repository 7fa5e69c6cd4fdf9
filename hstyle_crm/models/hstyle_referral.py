from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..tools import referral

STATES = [
    ("referred", "Referred"),
    ("review", "To review"),
    ("hold", "On hold"),
    ("rewarded", "Rewarded"),
    ("rejected", "Rejected"),
]
SOURCES = [
    ("link", "Link or QR code"),
    ("order", "Code on the order"),
    ("staff", "Told to staff"),
]
REASONS = [
    ("self", "The referrer's own account"),
    ("phone", "The referrer's phone"),
    ("email", "The referrer's e-mail"),
    ("employee", "An employee"),
    ("agent_account", "An agent's own account"),
    ("customer", "Customer before"),
    ("known", "Customer before, by another account"),
    ("address", "The referrer's address"),
    ("name", "The referrer's name"),
    ("velocity", "Very many friends in a day"),
    ("refunds", "The referrer's friends return what they order"),
    ("staff", "Rejected by hand"),
    ("merged", "One person with another friend"),
    ("cap", "Rewards of the year used up"),
    ("budget", "Budget of the programme used up"),
    ("points", "No points programme"),
]


class HstyleReferral(models.Model):
    """A friend whom a customer or an agent brought: one referrer, for ever.

    Written by `_claim`, which judges it, by people who review it, and by `_advance`.
    """

    _name = "hstyle.referral"
    _description = "Referral"
    _inherit = ["hstyle.referral.judge", "hstyle.referral.job", "hstyle.referral.words"]
    _order = "claimed_on desc, id desc"
    _rec_name = "friend_id"
    _log_access = False

    program_id = fields.Many2one(
        comodel_name="hstyle.referral.program",
        string="Programme",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        comodel_name="res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    referrer_id = fields.Many2one(
        comodel_name="res.partner",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    agent_id = fields.Many2one(
        comodel_name="hstyle.agent",
        string="Campus agent",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
        help="Set if the referrer was an active agent then.",
    )
    campus_id = fields.Many2one(related="agent_id.campus_id", store=True, index=True)
    friend_id = fields.Many2one(
        comodel_name="res.partner",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    source = fields.Selection(selection=SOURCES, required=True, readonly=True)
    touched_on = fields.Datetime(string="First touch", required=True, readonly=True)
    claimed_on = fields.Datetime(string="Referred on", required=True, readonly=True)
    state = fields.Selection(
        selection=STATES,
        required=True,
        readonly=True,
        default="referred",
        group_expand=True,
    )
    reason = fields.Selection(selection=REASONS, readonly=True)
    explanation = fields.Text(readonly=True, help="All that speaks against it.")
    reviewer_id = fields.Many2one(
        comodel_name="res.users", string="Reviewed by", readonly=True
    )
    reviewed_on = fields.Datetime(readonly=True)
    order_id = fields.Many2one(
        comodel_name="sale.order",
        string="First order",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    hold_until = fields.Date(
        string="On hold until",
        readonly=True,
        help="Last day of the return window of the first order.",
    )
    rewarded_on = fields.Date(readonly=True)
    friend_points = fields.Float(string="Welcome points", readonly=True)
    referrer_points = fields.Float(string="Reward points", readonly=True)

    # The one promise that no two transactions at once can break.
    _friend_idx = models.UniqueIndex(
        "(friend_id, company_id) WHERE state <> 'rejected'",
        "This friend has a referrer already.",
    )
    _not_self = models.Constraint(
        "CHECK (friend_id <> referrer_id OR state = 'rejected')",
        "Nobody refers oneself.",
    )
    _hold_idx = models.Index("(hold_until) WHERE state = 'hold'")

    # === CLAIM === #

    @api.model
    def _claim(self, text, friend, source, touched_on=None, order=None):
        """Let a friend be referred by who has a code: the same claim, the same result.

        :param str text: the code, as typed
        :param friend: the new customer
        :param str source: link, order or staff
        :param touched_on: when the friend first met the code (UTC); now by default
        :param order: the order that carries the code, if any
        :return: the referral, maybe a rejected one; the standing one, if the friend
            has a referrer already
        :raise UserError: if there is no such code or programme, or it was too long ago
        """
        company = order.company_id if order else self.env.company
        code, program = self._find_code(text, company)
        now = fields.Datetime.now()
        if touched_on and (now - touched_on).days >= program.window_days:
            raise UserError(
                self.env._(
                    "The link was opened more than %s days ago. Ask for a new one.",
                    program.window_days,
                )
            )
        friend = friend.sudo().commercial_partner_id
        standing = self._find_standing(friend, code.partner_id, company)
        if standing:
            return standing
        # A code on an order came no later than the order.
        first = min(order.date_order, now) if order else now
        values = {"source": source, "touched_on": touched_on or first}
        draft = self.sudo()._draft(code, friend, company, program, values, order)
        return draft._insert()

    @api.model
    def _draft(self, code, friend, company, program, values, order=None):
        """Return a referral, judged but not stored."""
        draft = self.new(
            {
                **values,
                "program_id": program.id,
                "company_id": company.id,
                "referrer_id": code.partner_id.id,
                "friend_id": friend.id,
                "claimed_on": fields.Datetime.now(),
            }
        )
        reasons = draft._judge(order)
        draft.state = referral.get_state(reasons)
        draft.reason = reasons[0] if reasons else False
        draft.explanation = draft._explain(reasons)
        draft.agent_id = draft._find_agent()
        return draft

    @api.model
    def _find_code(self, text, company):
        """Return (code, programme) that count today."""
        code = self.env["hstyle.referral.code"]._find(text)
        if not code:
            raise UserError(
                self.env._(
                    "There is no referral code “%s”. Ask your friend for it again.",
                    text,
                )
            )
        programs = self.env["hstyle.referral.program"]
        program = programs._get_open(company, company.sudo()._hstyle_today())
        if not program:
            raise UserError(
                self.env._("There is no programme for bringing friends at the moment.")
            )
        return code, program

    @api.model
    def _find_standing(self, friend, referrer, company):
        """Return the friend's referral; else a rejected one by the same referrer."""
        domain = [
            ("friend_id", "=", friend.id),
            ("company_id", "child_of", company.sudo().root_id.ids),
        ]
        found = self.sudo().search(domain, order="id")
        live = found.filtered(lambda r: r.state != "rejected")
        return (live or found.filtered(lambda r: r.referrer_id == referrer))[:1]

    def _insert(self):
        """Store a draft; of two for one friend at once, the host repeats one."""
        names = (
            "program_id", "company_id", "referrer_id", "friend_id", "agent_id",
            "campus_id", "source", "touched_on", "claimed_on", "state", "reason",
            "explanation",
        )  # fmt: skip
        values = {name: self[name] for name in names}
        values = {name: getattr(v, "id", v) or None for name, v in values.items()}
        self.env.flush_all()
        # A row of another transaction that we cannot see is a conflict, and retried.
        found = self.env.execute_query(
            SQL(
                "INSERT INTO hstyle_referral (%s) VALUES (%s)"
                " ON CONFLICT DO NOTHING RETURNING id",
                SQL(", ").join(map(SQL.identifier, values)),
                SQL(", ").join(SQL("%s", value) for value in values.values()),
            )
        )
        self.env["res.partner"].invalidate_model(
            ["hstyle_referral_ids", "hstyle_referred_ids"]
        )
        made = self.browse(row_id for (row_id,) in found)
        made._welcome()
        return made

    def _find_agent(self):
        """Return the referrer as an active agent of the company, or none."""
        domain = [
            ("partner_id", "=", self.referrer_id.id),
            ("company_id", "in", self.company_id.parent_ids.ids),
            ("state", "=", "active"),
        ]
        return self.env["hstyle.agent"].search(domain, limit=1)

    def _welcome(self):
        """Count friends in their agents' circles."""
        for record in self.filtered("agent_id"):
            if record.state != "rejected":
                friend = record.friend_id
                friend.campus_id = friend.campus_id or record.campus_id
                self.env["hstyle.roster"]._link(friend, record.agent_id)

    # === REVIEW === #

    def action_approve(self):
        """Let referrals count, whatever speaks against them."""
        self._check_reviewer()
        chosen = self.sudo().filtered(lambda r: r.state in ("review", "rejected"))
        for record in chosen:
            record._check_free()
            record._note_review("referred", False)
        chosen._welcome()
        chosen._advance()
        chosen._mark_orders()

    def action_reject(self):
        """Let referrals not count: commission is taken back; points given stay.

        Who bought since is a customer: no other code brings the friend anew.
        """
        self._check_reviewer()
        chosen = self.sudo()
        chosen._note_review("rejected", "staff")
        chosen._mark_orders()

    def _check_free(self):
        """Refuse to approve who refers oneself, and a second referrer."""
        if self.friend_id == self.referrer_id:
            raise UserError(self.env._("Nobody refers oneself."))
        standing = self._find_standing(
            self.friend_id, self.referrer_id, self.company_id
        )
        if standing.state != "rejected" and standing != self:
            raise UserError(
                self.env._(
                    "%(friend)s was referred by %(referrer)s already.",
                    friend=self.friend_id.display_name,
                    referrer=standing.referrer_id.display_name,
                )
            )

    def _check_reviewer(self):
        self.check_access("read")
        if not self.env.user.has_group("hstyle_crm.hstyle_crm_group_clerk"):
            raise AccessError(
                self.env._("Only the back office decides which referrals count.")
            )

    def _note_review(self, state, reason):
        self.write(
            {
                "state": state,
                "reason": reason,
                "reviewer_id": self.env.uid,
                "reviewed_on": fields.Datetime.now(),
            }
        )

    # === MERGE === #

    @api.model
    def _merge_members(self, src_partners, dst_partner):
        """Let one referral of merged friends stand, and none of oneself.

        It is what was rewarded, else the oldest: a friend is rewarded once.
        """
        partners = src_partners | dst_partner
        domain = [("friend_id", "in", partners.ids), ("state", "!=", "rejected")]
        for records in (
            self.sudo().search(domain, order="id").grouped("company_id").values()
        ):
            own = records.filtered(lambda r: r.referrer_id in partners)
            others = (records - own).sorted(lambda r: r.state != "rewarded")
            lost = own | others[1:]
            lost.write({"state": "rejected", "reason": "merged"})
            lost._mark_orders()
