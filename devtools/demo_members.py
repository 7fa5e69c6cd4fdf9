"""Members of the demo: tiers of the year, points and what they buy, tags of people."""

from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.tools import SQL

from .demo_people import SELLER, create_user


def raise_tiers(env):
    """Let the shipped rules decide at the end of each quarter of the year."""
    for name, percent in (("gold", 2), ("platinum", 5), ("diamond", 8)):
        tier = env.ref(f"hstyle_crm.tier_{name}")
        item = {"compute_price": "percentage", "percent_price": percent}
        tier.default_pricelist_id = env["product.pricelist"].create(
            {"name": f"{tier.name} price", "item_ids": [(0, 0, item)]}
        )
    for name in ("Ann Li", "Bob Wang"):
        user = create_user(env, name, *SELLER)
        env["hstyle.account.manager"].create({"user_id": user.id, "capacity": 40})
    env["hstyle.tier.rule"].search([])._activate()
    env.company.hstyle_tier_quiet = datetime.now()
    memberships = env["hstyle.membership"]
    for days in (270, 180, 90, 0):
        with freeze_time(datetime.now() - timedelta(days=days)):
            due = memberships._evaluate(env.company)
            memberships._settle(env.company, [row["partner_id"] for row in due])
    env.company.hstyle_tier_quiet = False
    domain = [("kind", "=", "free_return")]
    for benefit in env["hstyle.benefit"].search(domain):
        members = memberships.search([("grade_id", "=", benefit.grade_id.id)], limit=30)
        benefit._grant(members)
    return f"tiers of the year: {memberships.search_count([]):,} members"


def give_points(env):
    """Bring the points of the year over, a lot a month, and let some be spent."""
    program = env.ref("hstyle_crm.loyalty_program_member")
    program.pending_days = 7
    months = env.execute_query(
        SQL(
            """
            SELECT partner_id, date_trunc('month', date_order)::date,
                   floor(SUM(amount_paid - amount_refund))
              FROM hstyle_order
             GROUP BY 1, 2
            HAVING floor(SUM(amount_paid - amount_refund)) > 0
             ORDER BY 1, 2
            """
        )
    )
    partners = env["res.partner"].browse({partner for partner, *_rest in months})
    cards = program._get_cards(partners).grouped("partner_id")
    moves = [
        cards[partners.browse(partner)]._prepare_move(
            "opening",
            points,
            f"Purchases of {month:%B %Y}",
            key=f"opening:{month}",
            date=month,
            expiration_date=program._get_expiration(month),
        )
        for partner, month, points in months
    ]
    cards = env["loyalty.card"]
    for first in range(0, len(moves), 5_000):
        cards._post(moves[first : first + 5_000])
    _sell(env, program)
    rows = env["loyalty.history"].search_count([])
    return f"points of the year: {rows:,} rows on the members' cards"


def _sell(env, program, number=24):
    """Let the richest members order here: they spend points, and regret some orders."""
    values = {"name": "Linen dress", "list_price": 79, "type": "service"}
    values |= {"taxes_id": [(5,)], "is_published": True}
    dress = env["product.product"].create(values)
    domain = [("program_id", "=", program.id), ("points", ">=", 500)]
    cards = env["loyalty.card"].search(domain, order="points desc", limit=number)
    for rank, card in enumerate(cards):
        line = {"product_id": dress.id, "product_uom_qty": 1 + rank % 3}
        values = {"partner_id": card.partner_id.id, "order_line": [(0, 0, line)]}
        order = env["sale.order"].create(values)
        if rank % 2:
            order._choose_points(program.reward_ids, 500)
        order.action_confirm()
        if rank % 5 == 4:
            order._action_cancel()


def tag(env, tags):
    """Give the customers the tags of their demographics."""
    accounts = env["hstyle.buyer"].search([("ref", "!=", False)])
    partners = {account.ref: account.partner_id.id for account in accounts}
    Tag = env["res.partner.category"].with_context(tracking_disable=True)
    groups = {name: Tag.create({"name": name}).id for name, _value in tags}
    Tag.create(
        [
            {
                "name": value,
                "parent_id": groups[name],
                "partner_ids": [
                    (6, 0, [partners[h] for h in households if h in partners])
                ],
            }
            for (name, value), households in tags.items()
        ]
    )
