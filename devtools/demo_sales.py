"""The sales team of the demo: whose customers, key accounts, pipelines, and each day.

All people are made up. What happens goes through the addon's own doors, at its time.
"""

import random
from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from .demo_people import create_user, get_user

#: Colleagues without customers of their own, and their roles.
OFFICE = [("Mei Fang", "clerk"), ("Yue Tang", "marketer")]
SELLERS = ("ann", "bob")
GOALS = [
    "Bring the sister along to the spring collection.",
    "Outfit for the whole dance club by autumn.",
    "From sale hunter to first choice for work clothes.",
]
#: Pipelines: XML id and what the opportunities are called.
PIPELINES = [("winback", "Win back"), ("key", "Grow"), ("repair", "Repair")]
#: What is planned with customers, by whoever has no customers or tickets of the own.
PLANS = {
    "mei": ["Ask for the new address", "Check for a second profile", "Confirm consent"],
    "yue": ["Ask how the coupon was liked", "Invite to the preview", "Ask for a photo"],
    "wen": ["Thank for the friends", "Ask how the dormitory likes it", "Invite"],
    "ting": ["Thank for the friends", "Ask how the campus likes it", "Invite"],
    "hong": ["Apologize in person", "Ask whether all is well now", "Invite to tea"],
    "admin": ["Thank for ten years", "Ask for a reference", "Invite to the opening"],
}


def load(env):
    """Give customers owners, and every colleague a day; return what to say of it."""
    draw = random.Random(11)
    for name, role in OFFICE:
        create_user(env, name, f"hstyle_crm.hstyle_crm_group_{role}")
    customers = _give_owners(env, draw)
    best = env["hstyle.profile"].search([], order="revenue_12m desc", limit=30)
    accounts = _keep_accounts(env, best.partner_id[:8])
    leads = _open_pipelines(env, draw, best.partner_id[8:29])
    _plan(env, customers)
    _look_back(env, customers)
    done = env["hstyle.todo"]._fill(env.company)
    return (
        f"{len(accounts)} key accounts, {len(leads)} opportunities, "
        f"{done['added']} tasks of today"
    )


def _give_owners(env, draw, number=240):
    """Give sellers and managers the best customers, and some of these birthdays."""
    profiles = env["hstyle.profile"].search([], order="revenue_12m desc", limit=number)
    profiles |= profiles.search([("stage", "=", "lapsing")], limit=60)
    partners = profiles.partner_id.with_context(tracking_disable=True)
    owners = [get_user(env, login) for login in (*SELLERS, "hong", "admin")]
    today = env.company._hstyle_today()
    for rank, partner in enumerate(partners):
        ahead = rank % 7 if rank % 40 < 4 else draw.randrange(10, 350)
        day = today + relativedelta(days=ahead, years=-draw.randrange(20, 60))
        partner.birthday = day
        partner.user_id = owners[rank % len(owners)]
    return partners


def _keep_accounts(env, customers):
    """Visit the best customers: some were just visited, some are due."""
    sellers = [get_user(env, login) for login in SELLERS]
    accounts = env["hstyle.key.account"]
    for rank, customer in enumerate(customers):
        owner, deputy = sellers[rank % 2], sellers[1 - rank % 2]
        values = {"user_id": owner.id, "deputy_id": deputy.id}
        values |= {"goals": GOALS[rank % len(GOALS)], "cadence_days": 30}
        account = accounts.create({**values, "partner_id": customer.id})
        accounts |= account
        # The first four are due, two were visited lately, two have a visit ahead.
        ago = (62, 28) if rank < 4 else (40, 12) if rank < 6 else (45, -3)
        for days in ago:
            _visit(env, account, datetime.now() - timedelta(days=days))
    return accounts


def _visit(env, account, moment):
    start = moment.replace(hour=15, minute=0, second=0, microsecond=0)
    values = {"name": f"Visit of {account.partner_id.name}", "start": start}
    people = account.user_id.partner_id | account.partner_id
    events = env["calendar.event"].with_context(
        no_mail_to_attendees=True, mail_create_nolog=True
    )
    events.create(
        {
            **values,
            "stop": start + timedelta(hours=1),
            "user_id": account.user_id.id,
            "partner_ids": [(6, 0, people.ids)],
            "hstyle_key_account_id": account.id,
        }
    )


def _open_pipelines(env, draw, customers):
    """Open opportunities in all stages of the three pipelines; some stand still."""
    leads = env["crm.lead"]
    for number, customer in enumerate(customers):
        pipeline, words = PIPELINES[number % len(PIPELINES)]
        team = env.ref(f"hstyle_crm.crm_team_{pipeline}")
        stages = env["crm.stage"].search([("team_ids", "in", team.ids)])
        user = get_user(env, SELLERS[number // 3 % 2])
        with freeze_time(datetime.now() - timedelta(days=draw.choice([2, 6, 25]))):
            lead = leads.create(
                {
                    "name": f"{words}: {customer.name}",
                    "type": "opportunity",
                    "partner_id": customer.id,
                    "team_id": team.id,
                    "stage_id": stages[number // 3 % len(stages)].id,
                    "user_id": user.id,
                    "expected_revenue": draw.randrange(2, 20) * 100,
                }
            )
        if not lead.stage_id.is_won:
            _schedule(lead, user, "Call about the next step", days=number % 3)
        leads |= lead
    # Somebody asks who is known well: the form says so.
    known = customers[:1]
    lead = {"name": "Uniforms for a shop", "contact_name": known.name}
    lead |= {"email_from": known.email, "type": "lead", "partner_id": False}
    return leads | leads.create({**lead, "user_id": get_user(env, SELLERS[1]).id})


def _schedule(document, user, summary, days=0):
    """Plan something for a user, so many days ago."""
    document.activity_schedule(
        "mail.mail_activity_data_call",
        date_deadline=document.env.company._hstyle_today() - timedelta(days=days),
        summary=summary,
        user_id=user.id,
    )


def _plan(env, customers):
    """Plan calls with customers, for those whose days would be empty."""
    people = iter(customers[60:])
    for login, plans in PLANS.items():
        for days, summary in enumerate(plans):
            _schedule(next(people), get_user(env, login), summary, days)


def _look_back(env, customers):
    """Let sellers have called customers in the last weeks; some ordered afterwards."""
    results = ["reached", "reached", "unreached", "declined"]
    for number, customer in enumerate(customers[90:114]):
        user = customer.user_id
        with freeze_time(datetime.now() - timedelta(days=40 - number)):
            day = env.company._hstyle_today()
            row = {"partner_id": customer.id, "user_id": user.id, "reason": "call"}
            row |= {"company_id": env.company.id, "key": "demo", "due": day}
            todo = env["hstyle.todo"]._add([{**row, "name": "Ask how it fits"}])
            todo.with_user(user)._finish(results[number % len(results)])
