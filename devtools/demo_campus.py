"""Campuses of the demo: agents in all states, and friends who buy again, or do not.

All people are made up. What happens goes through the addon's own doors, at its time.
"""

import random
from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from .demo_people import create_user

CAMPUSES = [
    ("Fudan, Handan Road", "Shanghai", "220 Handan Road", "Wen Gao"),
    ("Zhejiang, Zijingang", "Hangzhou", "866 Yuhangtang Road", "Ting Luo"),
    ("Nanjing, Xianlin", "Nanjing", "163 Xianlin Avenue", "Ting Luo"),
]
#: Name, number of the campus, what becomes of the application, years until graduation,
#: friends a year, target a month.
AGENTS = [
    ("Xiaoyu Chen", 0, "active", 2, 9, 2),
    ("Haoran Liu", 0, "active", 1, 5, 2),
    ("Jiayi Wang", 0, "paused", 2, 3, 2),
    ("Minghao Sun", 0, "applicant", 3, 0, 0),
    ("Siqi Zhao", 0, "alumnus", 1, 6, 2),
    ("Yutong Huang", 1, "active", 3, 7, 3),
    ("Zihan Zhou", 1, "active", 2, 0, 2),
    ("Kexin Wu", 1, "paper", 2, 0, 0),
    ("Bowen Xu", 1, "alumnus", 1, 4, 2),
    ("Ruoxi Ma", 2, "active", 2, 6, 2),
    ("Tianyi Zhu", 2, "active", 1, 3, 1),
    ("Mengyao Hu", 2, "applicant", 4, 0, 0),
]
MOTIVATIONS = [
    "I sell my own sketches on campus and know every dormitory of the east side.",
    "My roommates ask me anyway where my dresses are from.",
    "I lead the dance club: forty people, and shows all year.",
]
FRIENDS = ["Lan", "Jing", "Hua", "Lei", "Fang", "Qiang", "Yan", "Tao", "Xin", "Bo"]
SURNAMES = ["Gu", "He", "Jiang", "Pan", "Shen", "Tang", "Yu", "Zheng"]
DAYS = 300


def load(env):
    """Make campuses, agents and a year of friends; return what to say of it."""
    draw = random.Random(36)
    start = datetime.now().replace(microsecond=0) - timedelta(days=DAYS)
    env.ref("hstyle_crm.hstyle_referral_program").date_from = start.date()
    campuses = [_create_campus(env, *row) for row in CAMPUSES]
    with freeze_time(start - timedelta(days=20)):
        agents = [_create_agent(env, draw, campuses, *row) for row in AGENTS]
    pairs = list(zip(agents, AGENTS, strict=True))
    events = [event for agent, row in pairs for event in _plan(draw, agent, row)]
    _live(env, start, sorted(events, key=lambda event: event[0]))
    for month in range(DAYS // 30, 0, -1):
        _settle(env, month)
    for agent, row in pairs:
        _end(agent, row[2])
        if agent.state == "active":
            _list_classmates(env, draw, agent)
    friends = env["hstyle.referral"].search_count([])
    bills = env["hstyle.commission.statement"].search_count([("bill_id", "!=", False)])
    return (
        f"{len(campuses)} campuses, {len(agents)} agents, {friends} friends, "
        f"{bills} bills of commission"
    )


def _create_campus(env, name, city, street, manager):
    user = create_user(env, manager, "hstyle_crm.hstyle_crm_group_campus")
    values = {"name": name, "city": city, "street": street, "manager_id": user.id}
    country = env.ref("base.cn").id
    return env["hstyle.campus"].create({**values, "country_id": country})


def _create_agent(env, draw, campuses, name, number, state, years, _friends, target):
    """Let a student with a portal account apply, and be accepted."""
    email = f"{name.replace(' ', '.').lower()}@example.com"
    partner = env["res.partner"].create({"name": name, "email": email})
    if name != "Tianyi Zhu":  # has to be invited yet
        env["res.users"].with_context(no_reset_password=True).create(
            {
                "login": email,
                "password": "demo",
                "partner_id": partner.id,
                "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
            }
        )
    today = datetime.now().date()
    # Alumni have graduated since, a month ago.
    end = DAYS - 30 if state == "alumnus" else DAYS + 365 * years - 290
    application = {
        "study_from": today - timedelta(days=500),
        "graduation_on": today + timedelta(days=end),
        "motivation": draw.choice(MOTIVATIONS),
    }
    if state == "paper":  # told a colleague, and has signed nothing yet
        values = {"partner_id": partner.id, "campus_id": campuses[number].id}
        return env["hstyle.agent"].create({**values, **application})
    agent = env["hstyle.agent"]._apply(partner, campuses[number], application)
    agent.target = target
    if state != "applicant":
        agent.action_activate()
    return agent


def _plan(draw, agent, row):
    """Return (day, agent, friend, what) of the friends whom an agent brings."""
    for number in range(row[4]):
        last = DAYS - 40 if row[2] in ("alumnus", "paused") else DAYS
        day = last - 2 - (number * 37 + draw.randrange(20)) % (last - 10)
        friend = f"{draw.choice(FRIENDS)} {agent.partner_id.name.split()[1]} {number}"
        yield day, agent, friend, "claim"
        orders = draw.choices([0, 1, 2, 3], [1, 5, 4, 2])[0]
        for _order in range(orders):
            day += draw.randrange(1, 45) if orders > 1 else 1
            if day < DAYS:
                yield day, agent, friend, "order"


def _live(env, start, events):
    """Let things happen day by day, and the nightly job once a month."""
    values = {"name": "Cotton shirt", "list_price": 59, "standard_price": 24}
    shirt = env["product.product"].create(
        {**values, "type": "service", "taxes_id": [(5,)]}
    )
    month, friends = 30, {}
    for day, agent, name, what in events:
        while day > month:
            _pass_night(env, start + timedelta(days=month))
            month += 30
        with freeze_time(start + timedelta(days=day)):
            if what == "claim":
                friends[agent, name] = _bring(env, agent, name)
            else:
                _order(env, friends[agent, name], shirt)
    _pass_night(env, datetime.now())


def _bring(env, agent, name):
    email = f"{name.replace(' ', '.').lower()}@example.com"
    friend = env["res.partner"].create({"name": name, "email": email})
    env["hstyle.referral"]._claim(agent.code, friend, "link")
    return friend


def _order(env, friend, product):
    line = {"product_id": product.id, "product_uom_qty": 1 + friend.id % 3}
    order = env["sale.order"].create(
        {"partner_id": friend.id, "order_line": [(0, 0, line)]}
    )
    order.action_confirm()


def _pass_night(env, moment):
    with freeze_time(moment):
        env["hstyle.referral"]._cron_advance()


def _settle(env, months):
    """Settle the month that ended so many months ago."""
    company = env.company
    month = company._hstyle_today().replace(day=1) - relativedelta(months=months)
    env["hstyle.commission.statement"]._settle(company, month)


def _list_classmates(env, draw, agent):
    """Give an agent gift packs, and classmates whose birthdays come; hand one out."""
    pack = env["hstyle.gift.pack"].search([], limit=1) or env[
        "hstyle.gift.pack"
    ].create({"name": "Scarf and card", "cost": 12})
    values = {"agent_id": agent.id, "pack_id": pack.id, "quantity": 12}
    env["hstyle.gift.supply"].create(values)
    today = env.company._hstyle_today()
    for number in range(6):
        birthday = today + timedelta(days=draw.randrange(0, 9))
        values = {
            "name": f"{draw.choice(FRIENDS)} {draw.choice(SURNAMES)} {number}",
            "birth_month": birthday.month,
            "birth_day": birthday.day,
            "place": f"Dormitory {number + 1}, room {draw.randrange(101, 620)}",
            "consent_source": "Signed list of the class",
            "consent_on": today - timedelta(days=40),
        }
        env["hstyle.roster"]._add(agent, values)
    gift = env["hstyle.gift"].search(
        [("agent_id", "=", agent.id), ("state", "=", "todo")], limit=1
    )
    if gift:
        gift._hand_out(receiver=gift.roster_id.name)


def _end(agent, state):
    """Let an agent pause, or graduate as the job does."""
    if state == "paused":
        agent.action_pause()
    elif state == "alumnus":
        agent.action_graduate()
