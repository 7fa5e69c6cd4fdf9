from base64 import b64decode

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.mimetypes import guess_mimetype

STATES = [
    ("todo", "To hand out"),
    ("given", "Given"),
    ("skipped", "Skipped"),
    ("missed", "Missed"),
]
#: What staff may write while a gift is to be handed out.
_INPUT = {"pack_id", "receiver", "photo", "reason"}
_PHOTOS = {"image/jpeg", "image/png", "image/webp"}


class HstyleGift(models.Model):
    """A birthday gift that an agent hands out: a task, then a fact.

    One a person and year, whoever gives it. Made by `_make`, given by `_hand_out`.
    """

    _name = "hstyle.gift"
    _description = "Birthday gift"
    _inherit = ["hstyle.gift.job", "hstyle.gift.year"]
    _order = "birthday, id"
    _rec_name = "roster_id"

    roster_id = fields.Many2one(
        comodel_name="hstyle.roster",
        string="Classmate",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty after the consent ended: the gift stays for its cost.",
    )
    place = fields.Char(related="roster_id.place")
    agent_id = fields.Many2one(
        comodel_name="hstyle.agent",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    agent_state = fields.Selection(related="agent_id.state", string="Agent is")
    campus_id = fields.Many2one(related="agent_id.campus_id", store=True, index=True)
    company_id = fields.Many2one(related="agent_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    birthday = fields.Date(readonly=True, help="29 February is the 28th in most years.")
    due_on = fields.Date(string="Due", readonly=True)
    year = fields.Integer(required=True, readonly=True, aggregator=None)
    state = fields.Selection(
        selection=STATES,
        required=True,
        readonly=True,
        default="todo",
        index=True,
        group_expand=True,
    )
    reason = fields.Char(help="Why it is not handed out.")

    # Who it is, without a name: kept when the entry is gone, until the year is over.
    person = fields.Char(readonly=True)
    partner_id = fields.Many2one(
        comodel_name="res.partner",
        string="Customer",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    # The hand-out.
    pack_id = fields.Many2one(
        comodel_name="hstyle.gift.pack",
        index=True,
        ondelete="restrict",
        domain="[('company_id', 'parent_of', company_id)]",
    )
    cost = fields.Monetary(readonly=True, help="Of the pack, as it was then.")
    given_on = fields.Datetime(string="Given at", readonly=True)
    receiver = fields.Char(string="Signed by", help="Who took the gift.")
    photo = fields.Image(
        max_width=1280, max_height=1280, help="Of the gift as it was handed out."
    )

    _person_unique = models.UniqueIndex(
        "(company_id, person, year)", "There is one gift a person and year."
    )
    _roster_unique = models.UniqueIndex(
        "(roster_id, year)", "There is one gift a classmate and year."
    )

    # === COMPUTE METHODS === #

    def _compute_display_name(self):
        for gift in self:
            gift.display_name = gift.roster_id.name or gift.pack_id.name or ""

    # === CRUD METHODS === #

    def write(self, vals):
        self._check_input(vals)
        return super().write(vals)

    def _check_input(self, vals):
        """Let staff prepare a hand-out; what became of it follows from the buttons."""
        if self.env.su:
            return
        if vals.keys() - _INPUT:
            raise AccessError(self.env._("Only a hand-out itself may write this."))
        for gift in self:
            gift._check_todo()

    # === ACTION METHODS === #

    def action_hand_out(self):
        """Record that the gift was handed out, with the proof on the form."""
        self.ensure_one()
        self.check_access("write")
        bare = self.with_context(bin_size=False)
        bare._hand_out(receiver=bare.receiver, photo=bare.photo, pack=bare.pack_id)

    def action_skip(self):
        """Close the task without a gift, for a reason."""
        self.ensure_one()
        self.check_access("write")
        self._check_todo()
        if not (self.reason or "").strip():
            raise UserError(self.env._("Say first why the gift is not handed out."))
        self.sudo().state = "skipped"

    # === HAND-OUT === #

    def _hand_out(self, receiver=None, photo=None, pack=None):
        """Record a hand-out by an agent, or for one; the one door.

        :param receiver: name of who signed
        :param photo: base64; a photo or a name is needed
        :param pack: of several packs that the agent has, which
        :raise UserError: if the task is closed, a proof is missing, the packs are used
            up, or the person had this year's gift elsewhere
        """
        self.ensure_one()
        gift = self.sudo()
        gift._check_todo()
        receiver = (receiver or "").strip()
        gift._check_proof(receiver, photo)
        gift.agent_id._lock_gift_stock()
        gift._claim_year(gift.partner_id, gift.company_id, gift.year, "pack")
        pack = gift._choose_pack(pack)
        gift.write(
            {
                "state": "given",
                "given_on": fields.Datetime.now(),
                "receiver": receiver,
                "photo": photo,
                "pack_id": pack.id,
                "cost": pack.cost,
                "reason": False,
                "had": False,
            }
        )

    def _check_todo(self):
        if self.state == "todo":
            return
        name = self.display_name
        if self.state == "given":
            raise UserError(self.env._("%s has got this gift already.", name))
        past = self.env._("The birthday is long past")
        reason = self._get_ways().get(self.had) or self.reason or past
        raise UserError(
            self.env._(
                "The gift for %(name)s is closed: %(reason)s.",
                name=name,
                reason=reason,
            )
        )

    @api.model
    def _check_proof(self, receiver, photo):
        if not receiver and not photo:
            raise UserError(
                self.env._("Take a photo, or enter the name of who signed for it.")
            )
        if photo and guess_mimetype(self._decode(photo), "") not in _PHOTOS:
            raise UserError(self.env._("Take the photo as JPEG, PNG or WebP."))

    @api.model
    def _decode(self, photo):
        try:
            return b64decode(photo)
        except ValueError:
            return b""

    def _choose_pack(self, pack=None):
        """Return the pack that is handed out: the one asked for, or one in stock."""
        stock = self.agent_id._get_gift_stock()[self.agent_id]
        left = [kind for kind, count in stock.items() if count > 0]
        if pack and pack.sudo() not in left:
            raise UserError(
                self.env._(
                    "Your stock of %s is used up. Ask your campus manager for more.",
                    pack.sudo().name,
                )
            )
        if not left:
            raise UserError(
                self.env._(
                    "Your gift packs are used up. Ask your campus manager for more."
                )
            )
        return pack.sudo() if pack else left[0]

    # === CHANGES OF THE ROSTER === #

    def _filter_open(self):
        return self.filtered(lambda gift: gift.state == "todo")

    def _forget(self):
        """Keep of gifts what they cost, and nothing that tells of the person."""
        given = self.filtered(lambda gift: gift.state == "given")
        (self - given).unlink()
        given.write(
            {"roster_id": False, "receiver": False, "photo": False, "birthday": False}
        )
