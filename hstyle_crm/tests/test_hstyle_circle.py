import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tests import new_test_user, tagged

from .agent_common import HstyleAgentCommon

NOW = datetime(2027, 1, 15, 12)
TZ = ZoneInfo("Asia/Shanghai")
SECRETS = ("commission", "cost", "return_on_cost")


def day_of(moment):
    return moment.replace(tzinfo=UTC).astimezone(TZ).date()


class Friend:
    """A friend in plain Python: what was bought when, and what is to be shown."""

    def __init__(self, partner, touched_on, points, commission):
        self.partner = partner
        self.touched_on = touched_on
        self.points = points
        self.commission = commission
        self.facts = []  # (moment, orders, revenue, margin)

    def buy(self, moment, revenue, margin, orders=1):
        self.facts.append((moment, orders, revenue, margin))

    def _again(self, days, today, within):
        if not days or today <= days[0] + timedelta(days=within):
            return None
        return 100 * (len(days) > 1 and days[1] <= days[0] + timedelta(days=within))

    def expect(self, point_value):
        facts = [fact for fact in self.facts if fact[0] >= self.touched_on]
        days = sorted({day_of(moment) for moment, orders, *_money in facts if orders})
        margin = sum(fact[3] for fact in facts)
        cost = self.commission + self.points * point_value
        today = day_of(NOW)
        return {
            "buyers": int(bool(days)),
            "first_order_on": days[0] if days else False,
            "second_order_on": days[1] if len(days) > 1 else False,
            "orders": sum(fact[1] for fact in facts),
            "revenue": sum(fact[2] for fact in facts),
            "margin": margin,
            "again_30": self._again(days, today, 30),
            "again_90": self._again(days, today, 90),
            "again_365": self._again(days, today, 365),
            "points": self.points,
            "commission": self.commission,
            "cost": cost,
            "return_on_cost": (margin - cost) / cost if cost else None,
        }


@tagged("post_install", "-at_install")
class TestHstyleCircle(HstyleAgentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.hstyle_tz = "Asia/Shanghai"
        cls.company.hstyle_margin_rate = 50
        cls.program.point_value = 0.05
        cls.dress.standard_price = 40
        cls.one = cls._create_agent("Haoran")
        cls.two = cls._create_agent("Jiayi", cls.other_site)
        cls.nobody = cls.env["hstyle.agent"]

    def _pay(self, referral, *amounts):
        """Let rows of commission stand, as an order of the friend would have left."""
        order = self.env["sale.order"].create({"partner_id": referral.friend_id.id})
        self.env.flush_all()
        self.env.cr.execute(
            """
            INSERT INTO hstyle_commission_order
                   (pays, order_id, referral_id, agent_id, company_id)
            SELECT TRUE, %(order)s, id, agent_id, company_id
              FROM hstyle_referral WHERE id = %(referral)s;
            INSERT INTO hstyle_commission
                   (pays, order_id, referral_id, agent_id, company_id, campus_id,
                    number, kind, base, amount, date, month)
            SELECT TRUE, %(order)s, id, agent_id, company_id, campus_id, number,
                   'reversal', 0, amount, claimed_on, claimed_on
              FROM hstyle_referral,
                   unnest(%(amounts)s) WITH ORDINALITY AS row (amount, number)
             WHERE id = %(referral)s
            """,
            {"order": order.id, "referral": referral.id, "amounts": list(amounts)},
        )

    # === RANDOM PURCHASES === #

    def _sell_to(self, friend, moment, draw):
        """Sell here; the order may be credited in parts, or cancelled."""
        quantity = draw.randrange(1, 5)
        order = self._sell(quantity, partner=friend.partner)
        order.date_order = moment
        if draw.random() < 0.15:
            order._action_cancel()
            return
        friend.buy(moment, quantity * 100, quantity * 60)
        if draw.random() < 0.4:
            invoice = self._invoice(order)
            left = quantity
            while left and draw.random() < 0.7:
                back = draw.randrange(1, left + 1)
                self._refund(invoice, back)
                left -= back
                friend.buy(moment, -back * 100, -back * 60, orders=0)

    def _prepare_shop_row(self, number, friend, moment, draw):
        paid = draw.randrange(20, 200)
        refund = draw.choice([0, 0, draw.randrange(0, paid)])
        friend.buy(moment, paid - refund, (paid - refund) / 2)
        text = moment.replace(tzinfo=UTC).astimezone(TZ).strftime("%Y-%m-%d %H:%M:%S")
        return (f"R{number}", text, friend.partner.phone, str(paid), str(refund))

    def _shop(self, rows):
        shop = self._create_shop("Circle shop", tz="Asia/Shanghai")
        header = ("order number", "date", "phone", "paid", "refund")
        with freeze_time(NOW + timedelta(days=300)):
            self.assertFalse(self._import(rows, header, shop=shop).rejected_count)

    def _make_friend(self, number, draw):
        """Return a friend with a claim, and the referral."""
        partner = self._create_partner(f"Friend {number}", phone=f"138{number:08}")
        touched = NOW - timedelta(minutes=draw.randrange(500 * 1440))
        agent = draw.choice([self.one, self.two, self.nobody])
        points = (draw.choice([0, 100]), 0 if agent else draw.choice([0, 100]))
        paid = draw.choice([0, 12.34, 50]) if agent else 0
        friend = Friend(partner, touched, sum(points), paid)
        referral = self._refer(
            agent,
            partner,
            touched + timedelta(hours=draw.randrange(100)),
            draw.choice(["referred", "hold", "rewarded"]),
            touched_on=touched,
            # What nobody got is NULL.
            **{
                f"{who}_points": number
                for who, number in zip(("friend", "referrer"), points, strict=True)
                if number
            },
        )
        if paid:
            # Accrued twice, and a part reversed.
            self._pay(referral, paid, 7.5, -7.5)
        return friend, referral

    def _live(self, seed, friends=24):
        """Let friends buy at random; return referral → friend."""
        draw, rows, circle = random.Random(seed), [], {}
        for number in range(friends):
            friend, referral = self._make_friend(number, draw)
            circle[referral] = friend
            for _purchase in range(draw.randrange(4)):
                # Some bought before; evenings are the next day in China.
                minutes = draw.randrange(-60 * 1440, 120 * 1440)
                moment = friend.touched_on + timedelta(minutes=minutes)
                if draw.random() < 0.5:
                    self._sell_to(friend, moment, draw)
                else:
                    rows.append(self._prepare_shop_row(len(rows), friend, moment, draw))
        self._shop(rows)
        self.env.flush_all()
        self.env.invalidate_all()
        return circle

    def _read(self, referral, names):
        """Return the row of a referral, with None where the view knows nothing."""
        row = self.env["hstyle.circle"]
        [found] = row._read_group(
            [("id", "=", referral.id)],
            ["first_order_on:day", "second_order_on:day"],
            [f"{name}:{'avg' if self._is_rate(name) else 'sum'}" for name in names],
        )
        return dict(zip(names, found[2:], strict=True)), found[:2]

    def _is_rate(self, name):
        return name.startswith(("again_", "return_"))

    def _check_value(self, value, expected, msg):
        if expected is None:
            self.assertIs(value, False, msg)
        else:
            self.assertAlmostEqual(value, expected, 2, msg)

    def test_rows_agree_with_plain_python(self):
        circle = self._live(seed=6)
        with freeze_time(NOW):
            for referral, friend in circle.items():
                expected = friend.expect(0.05)
                days = [expected.pop(f"{nth}_order_on") for nth in ("first", "second")]
                row, found = self._read(referral, list(expected))
                self.assertEqual([day or False for day in found], days)
                for name, value in expected.items():
                    self._check_value(row[name], value, f"{referral.id} {name}")
        rows = [friend.expect(0.05) for friend in circle.values()]
        # What was tried is not nothing.
        for name in ("again_30", "again_90", "again_365"):
            self.assertLessEqual({None, 0}, {row[name] for row in rows}, name)
        self.assertIn(100, {row["again_90"] for row in rows})
        self.assertTrue(
            any(
                friend.facts[0][0] < friend.touched_on
                for friend in circle.values()
                if friend.facts
            )
        )

    def test_groups_agree_with_plain_python(self):
        circle = self._live(seed=60)
        keys = {
            "agent_id": lambda referral: referral.agent_id,
            "campus_id": lambda referral: referral.agent_id.campus_id,
            "cohort:month": lambda referral: day_of(referral.claimed_on).replace(day=1),
        }
        for groupby, key in keys.items():
            groups = {}
            for referral, friend in circle.items():
                groups.setdefault(key(referral), []).append(
                    (referral, friend.expect(0.05))
                )
            with freeze_time(NOW):
                found = self.env["hstyle.circle"]._read_group(
                    [("id", "in", [referral.id for referral in circle])],
                    [groupby],
                    ["__count", "kept:sum", "revenue:sum", "again_90:avg"]
                    + ["return_on_cost:avg"],
                )
            self.assertEqual({row[0] for row in found}, set(groups))
            for group, count, kept, revenue, again, returned in found:
                rows = [row for _referral, row in groups[group]]
                states = [referral.state for referral, _row in groups[group]]
                self.assertEqual(count, len(rows))
                self.assertEqual(kept, states.count("rewarded"))
                self.assertAlmostEqual(revenue, sum(row["revenue"] for row in rows), 2)
                known = [row["again_90"] for row in rows if row["again_90"] is not None]
                mean = sum(known) / len(known) if known else None
                self._check_value(again, mean, f"{group} again")
                cost = sum(row["cost"] for row in rows)
                left = sum(row["margin"] for row in rows) - cost
                self._check_value(returned, left / cost if cost else None, f"{group}")

    # === WHAT COUNTS === #

    def _get_row(self, referral):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["hstyle.circle"].browse(referral.id).exists()

    def test_rejected_and_waiting_do_not_count(self):
        referral = self._refer(self.one, self.partner, "2026-05-01")
        for state, shown in (
            ("referred", True), ("review", False), ("hold", True),
            ("rewarded", True), ("rejected", False),
        ):  # fmt: skip
            referral.state = state
            self.env.flush_all()
            found = self.env["hstyle.circle"].search([("id", "=", referral.id)])
            self.assertEqual(bool(found), shown, state)

    def test_first_order_a_moment_before_its_claim(self):
        order = self._sell(2)
        order.date_order = "2026-05-01 10:00:00"
        values = {"touched_on": "2026-05-01 10:00:02", "order_id": order.id}
        referral = self._refer(self.one, self.partner, "2026-05-01 10:00:02", **values)
        self.assertEqual(self._get_row(referral).revenue, 200)
        referral.order_id = False
        self.assertEqual(self._get_row(referral).revenue, 0)

    def test_twice_a_day_is_not_again(self):
        referral = self._refer(self.one, self.partner, "2026-05-01")
        for moment in ("2026-05-02 03:00:00", "2026-05-02 09:00:00"):
            self._sell().date_order = moment
        row = self._get_row(referral)
        self.assertEqual((row.orders, row.second_order_on), (2, False))
        # 23:30 and 00:30 in China are two days.
        self._sell().date_order = "2026-05-02 16:30:00"
        self.assertEqual(str(self._get_row(referral).second_order_on), "2026-05-03")

    def test_the_last_day_counts(self):
        """Ordered again on day 30; which is known on day 31."""
        referral = self._refer(self.one, self.partner, "2026-05-01")
        for day in ("2026-05-02", "2026-06-01"):
            self._sell().date_order = f"{day} 03:00:00"
        for moment, rate in (
            ("2026-06-01 15:59:00", False),
            ("2026-06-01 16:01:00", 100),
        ):
            with freeze_time(moment):
                self.env.flush_all()
                row, _days = self._read(referral, ["again_30"])
                self.assertIs(row["again_30"] is False, rate is False, moment)
                self.assertEqual(row["again_30"], rate)

    def test_orders_of_another_company(self):
        referral = self._refer(self.one, self.partner, "2026-05-01")
        country = self.company.country_id.id
        company = self.env["res.company"].create(
            {"name": "Other", "country_id": country}
        )
        self.partner.phone = "13812345678"
        header = ("order number", "date", "phone", "paid")
        for name, where, paid in (("Here", self.company, 70), ("There", company, 80)):
            shop = self._create_shop(name, company_id=where.id)
            rows = [(name, "2026-05-03", "13812345678", str(paid))]
            self._import(rows, header, shop=shop, user=self.env.user)
        bought = self.env["hstyle.purchase"].search(
            [("partner_id", "=", self.partner.id)]
        )
        self.assertEqual(sum(bought.mapped("revenue")), 150)
        self.assertEqual(self._get_row(referral).revenue, 70)

    # === WHO SEES WHAT === #

    def _refer_everywhere(self):
        agents = (self.one, self.two, self.nobody)
        for number, agent in enumerate(agents):
            friend = self._create_partner(f"F{number}")
            referral = self._refer(agent, friend, "2026-05-01", "rewarded")
            if agent:
                self._pay(referral, 10)
        self.env.flush_all()

    def test_access(self):
        self._refer_everywhere()
        seen = {
            self.campus: {"F0"},
            self.stranger: {"F1"},
            self.clerk: {"F0", "F1", "F2"},
            self.manager: {"F0", "F1", "F2"},
        }
        for user, names in seen.items():
            circles = self.env["hstyle.circle"].with_user(user)
            rows = circles.search_read([("kept", "=", 1)], ["friend_id"])
            self.assertEqual({row["friend_id"][1] for row in rows}, names)
            [[count]] = circles._read_group([], [], ["__count"])
            self.assertEqual(count, len(names))
            groups = circles.formatted_read_group([], ["friend_id"], ["kept:sum"])
            self.assertEqual({group["friend_id"][1] for group in groups}, names)
        theirs = self.env["hstyle.circle"].search([("agent_id", "=", self.two.id)])
        with self.assertRaises(AccessError):
            theirs.with_user(self.campus).read(["revenue"])

    def test_commission_is_for_finance_and_manager(self):
        self._refer_everywhere()
        groups = "hstyle_crm.hstyle_crm_group_clerk,account.group_account_invoice"
        finance = new_test_user(self.env, login="finance", groups=groups)
        circles = self.env["hstyle.circle"]
        for user in (finance, self.manager):
            mine = circles.with_user(user)
            [[paid]] = mine._read_group([], [], ["commission:sum"])
            self.assertEqual(paid, 20)
        for user in (self.campus, self.clerk, self.marketer):
            mine = circles.with_user(user)
            self.assertTrue(SECRETS)
            for name in SECRETS:
                self.assertNotIn(name, mine.fields_get())
                func = "avg" if name == "return_on_cost" else "sum"
                for attempt in (
                    lambda n=name, c=mine: c.search([]).read([n]),
                    lambda n=name, c=mine, f=func: c._read_group([], [], [f"{n}:{f}"]),
                    lambda n=name, c=mine: c._read_group([], [n], ["__count"]),
                    lambda n=name, c=mine: c.search([(n, ">", 5)]),
                    lambda n=name, c=mine: c.search([], order=n),
                ):
                    with self.assertRaises(AccessError, msg=f"{user.login} {name}"):
                        attempt()

    def test_sheet(self):
        self._refer_everywhere()
        for user, length, paid in ((self.campus, 2, False), (self.manager, 4, True)):
            circles = self.env["hstyle.circle"].with_user(user).search([])
            rows = self._open_download(circles.action_export())
            self.assertEqual(len(rows), length)
            self.assertEqual("Commission" in rows[0], paid)
            self.assertIn("F0", [row[rows[0].index("Friend")] for row in rows])
        paid = rows[0].index("Commission")
        amounts = sorted(row[paid] for row in rows[1:])
        self.assertEqual(amounts, ["0", "10", "10"])

    def test_leaderboard_by_kept_customers(self):
        """Three heads whose orders came back are less than one who stays."""
        for number in range(3):
            self._refer(self.one, self._create_partner(f"H{number}"), "2026-05-01")
        kept = self._refer(self.two, self.partner, "2026-05-01", "rewarded")
        self.env.flush_all()
        action = self.env.ref("hstyle_crm.hstyle_circle_action_leaderboard")
        found = self.env["hstyle.circle"]._read_group(
            Domain("agent_id", "in", (self.one + self.two).ids),
            ["agent_id"],
            ["kept:sum", "friends:sum"],
            order="kept:sum desc",
        )
        self.assertEqual(found, [(self.two, 1, 1), (self.one, 0, 3)])
        self.assertIn("agent_id", action.domain)
        self.assertEqual(self.two.kept_count, len(kept))

    def test_agent_form(self):
        referral = self._refer(self.one, self.partner, "2026-05-01")
        self._sell(2).date_order = "2026-05-02 03:00:00"
        self.env.flush_all()
        with freeze_time("2026-05-20"):
            self.assertEqual(self.one.again_text, "Not known yet")
        self.env.invalidate_all()
        self._sell().date_order = "2026-05-22 03:00:00"
        with freeze_time("2026-07-01"):
            agent = self.one.with_user(self.campus)
            self.assertEqual(agent.again_text, "100 % in 30 days")
            self.assertEqual((agent.buyer_count, agent.circle_revenue), (1, 300))
            action = agent.action_circle()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found.ids, referral.ids)
