from odoo import api, fields, models
from odoo.tools import format_date, formatLang

from .hstyle_ticket_stage import DONE

#: The tiles, in the order in which they answer who this is.
TILES = (
    "now",
    "tier",
    "points",
    "value",
    "forecast",
    "orders",
    "satisfaction",
    "service",
    "people",
    "channels",
)


class HstyleFace(models.AbstractModel):
    """Who a customer is, in five seconds: the head of the form, a part of res.partner.

    Each tile says one thing in ready words, so that the form and the card that pops up
    in lists show the same.
    """

    _name = "hstyle.face"
    _description = "Face of a customer"

    hstyle_face = fields.Json(
        string="At a glance",
        compute="_compute_hstyle_face",
        groups="hstyle_crm.hstyle_crm_group_user",
    )

    @api.depends_context("company", "lang", "uid")
    def _compute_hstyle_face(self):
        for partner in self:
            customer = partner.commercial_partner_id._origin
            partner.hstyle_face = customer._get_face() if customer else False

    def _get_face(self):
        """Return the tiles of a customer: dicts of key, label, value, detail, icon.

        A tile may also say its ``tone`` (success, warning, danger), a ``color``, a
        ``progress`` (0 to 100), and the ``action`` that a click calls on the contact.
        None for who is no customer of ours.
        """
        self.ensure_one()
        tiles = [
            {"key": key, **tile}
            for key in TILES
            if (tile := getattr(self, f"_face_{key}")())
        ]
        # Everybody has channels: alone they say nothing.
        return tiles if len(tiles) > 1 else False

    def _get_own_profile(self):
        company = self.env.company
        return self.hstyle_profile_ids.filtered(lambda p: p.company_id == company)[:1]

    def _say_amount(self, amount):
        """Return money in whole units: the head shows how much, not how exact."""
        currency, number = self.env.company.currency_id, formatLang(self.env, amount, 0)
        before = currency.position == "before"
        parts = (currency.symbol, number) if before else (number, currency.symbol)
        return "\N{NO-BREAK SPACE}".join(parts)

    def _say_points(self, points):
        return formatLang(self.env, points, 0 if points == int(points) else 2)

    # === TILES === #

    def _face_now(self):
        if not self.hstyle_why_now:
            return None
        return {
            "label": self.env._("Why now"),
            "value": self._get_selected("hstyle_why_now_reason"),
            "detail": self.hstyle_why_now,
            "icon": "fa-bolt",
            "tone": "warning",
        }

    def _get_selected(self, name):
        """Return what a selection of the customer says, or nothing."""
        labels = dict(self._fields[name]._description_selection(self.env))
        return labels.get(self[name], "")

    def _face_tier(self):
        member = self.hstyle_membership_ids[:1]
        next_text = self.tier_next_text
        if not member and not next_text:
            return None
        keep = member.valid_until and self.tier_keep_text
        return {
            "label": self.env._("Tier"),
            "value": member.grade_id.name or self.env._("No member yet"),
            "detail": keep or next_text,
            "progress": round(self.tier_progress),
            "icon": member.icon or "fa-id-card-o",
            "color": member.color,
            "tone": "warning" if member.warned_for else "",
        }

    def _face_points(self):
        cards = self.hstyle_card_ids
        if not cards:
            return None
        lots = cards.expiry_ids.filtered(lambda lot: not lot.pending)
        expiry = lots.filtered("expiration_date").grouped("expiration_date")
        pending = sum(cards.mapped("points_pending"))
        detail = self.env._("None expire")
        if expiry:
            day = min(expiry)
            detail = self.env._(
                "%(points)s expire on %(day)s",
                points=self._say_points(sum(expiry[day].mapped("points"))),
                day=format_date(self.env, day),
            )
        elif pending:
            detail = self.env._("%s pending", self._say_points(pending))
        return {
            "label": self.env._("Points"),
            "value": self._say_points(self.hstyle_points),
            "detail": detail,
            "icon": "fa-star-o",
            "action": "action_hstyle_points",
        }

    def _face_value(self):
        profile = self._get_own_profile()
        if not profile:
            return None
        labels = [profile._get_cell("rfm_group"), profile._get_cell("stage")]
        grade = profile.abc and self.env._("Grade %s", profile.abc.upper())
        return {
            "label": self.env._("Revenue, 12 months"),
            "value": self._say_amount(profile.revenue_12m),
            "detail": " · ".join(filter(None, [grade, *labels])),
            "icon": "fa-diamond",
            "action": "action_hstyle_purchases",
        }

    def _face_forecast(self):
        profile = self._get_own_profile()
        if not profile.forecast_on:
            return None
        low, high = profile._get_expected_range()
        detail = self.env._(
            "80 %% between %(low)s and %(high)s",
            low=self._say_amount(low),
            high=self._say_amount(high),
        )
        return {
            "label": self.env._("Expected, 12 months"),
            "value": self._say_amount(profile.expected_value_12m),
            "detail": detail if high else self.env._("Most likely no order"),
            "icon": "fa-line-chart",
        }

    def _face_orders(self):
        profile = self._get_own_profile()
        if not profile.last_order_on:
            return None
        last, until = profile.last_order_on, profile.next_order_to
        late = until and until < self.env.company._hstyle_today()
        detail = self.env._("Next: %s", self.env._("not enough data"))
        if until:
            detail = self.env._(
                "Next: %(first)s – %(last)s",
                first=format_date(self.env, profile.next_order_from),
                last=format_date(self.env, until),
            )
        if late:
            detail = self.env._("Overdue since %s", format_date(self.env, until))
        return {
            "label": self.env._("Last order"),
            "value": format_date(self.env, last),
            "detail": detail,
            "icon": "fa-shopping-bag",
            "tone": "warning" if late else "",
            "action": "action_hstyle_purchases",
        }

    def _face_satisfaction(self):
        scores = self._get_last_scores()
        if not scores:
            return None
        last, fell = scores[-1], scores[-1] < scores[-2:][0]
        tone = "success" if last == 5 else "danger" if last < 4 else ""
        trend = " → ".join(map(str, scores))
        return {
            "label": self.env._("Satisfaction"),
            "value": self.env._("%s of 5", last),
            "detail": trend if scores[1:] else self.env._("First answer"),
            "icon": "fa-smile-o" if last > 3 else "fa-frown-o",
            "tone": "danger" if fell else tone,
        }

    def _get_last_scores(self):
        """Return the customer's last answers, at most three, the latest last."""
        domain = [
            ("hstyle_question", "!=", False),
            ("hstyle_company_id", "=", self.env.company.id),
            ("partner_id.commercial_partner_id", "=", self.id),
            ("consumed", "=", True),
        ]
        ratings = self.env["rating.rating"].sudo()
        found = ratings.search(domain, order="rated_on desc, id desc", limit=3)
        return [int(rating.rating) for rating in reversed(found)]

    def _face_service(self):
        tickets = self.env["hstyle.ticket"]
        if not tickets.has_access("read"):
            return None
        count, today = self.hstyle_open_ticket_count, self.env.company._hstyle_today()
        owed = self._get_promises().filtered(lambda promise: not promise.done_on)
        due = min(owed.mapped("due_on"), default=None)
        if not (count or owed or self.hstyle_ticket_count):
            return None
        mine = [("partner_id", "child_of", self.ids), ("kind", "not in", DONE)]
        now = fields.Datetime.now()
        late = (due and due < today) or (
            count and tickets.search_count([*mine, ("next_due", "<", now)], limit=1)
        )
        detail = self.env._("Nothing promised")
        if owed:
            detail = self.env._("Promised until %s", format_date(self.env, due))
        return {
            "label": self.env._("Open tickets"),
            "value": f"{count}",
            "detail": detail,
            "icon": "fa-life-ring",
            "tone": "danger" if late else "warning" if count else "",
            "action": "action_hstyle_tickets" if count else "action_hstyle_promises",
        }

    def _face_people(self):
        member = self.hstyle_membership_ids[:1].sudo()
        owner = self.env["hstyle.account.manager"]._get_contact(member) or self.user_id
        words = self._get_origin_words()
        if not owner and not words:
            return None
        return {
            "label": self.env._("Account manager"),
            "value": owner.sudo().name or self.env._("Nobody"),
            "detail": words,
            "icon": "fa-user-o",
        }

    def _get_origin_words(self):
        """Return whose agent the customer is, or who brought it, for who may know."""
        referrals, agents = self.env["hstyle.referral"], self.env["hstyle.agent"]
        if not (referrals.has_access("read") and agents.has_access("read")):
            return ""
        mine = [("partner_id", "=", self.id), ("state", "in", ("active", "paused"))]
        if agent := agents.search(mine, limit=1):
            return self.env._("Campus agent at %s", agent.campus_id.name)
        valid = [("friend_id", "=", self.id), ("state", "!=", "rejected")]
        referral = referrals.search(valid, limit=1)
        name = referral.sudo().referrer_id.name
        return self.env._("Brought by %s", name) if name else ""

    def _face_channels(self):
        ways = {
            "accepts_email": (self.env._("E-mail"), self.email),
            "accepts_sms": (self.env._("SMS"), self.phone),
        }
        allowed = [
            label for name, (label, address) in ways.items() if self[name] and address
        ]
        liked = self._get_selected("preferred_channel")
        return {
            "label": self.env._("Offers by"),
            "value": " · ".join(allowed) or self.env._("No channel"),
            "detail": self.env._("Prefers %s", liked) if liked else "",
            "icon": "fa-paper-plane-o",
            "tone": "" if allowed else "danger",
            "action": "action_hstyle_contacts",
        }
