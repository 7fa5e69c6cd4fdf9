"""A year of service in the demo: tickets of all intents and channels, in time and late.

All people are made up. What happens goes through the addon's own doors, at its time.
"""

import random
from datetime import datetime, timedelta

from freezegun import freeze_time

from .demo_people import create_user

#: Tickets of the year, and weeks in which the jacket is sold.
TICKETS, WEEKS = 170, 26
#: What service may give in a month without asking.
BUDGET = 400
COLLEAGUES = ["Na Sun", "Kai Zhou", "Lin Qiu", "Hong Fan"]
CHANNELS = ["phone", "email", "im", "sms", "web", "shop", "agent"]
#: How often: intent, reason (its XML id) and what customers say.
CASES = [
    (9, "tracking", "late", "Where is my parcel? It should be here since Monday."),
    (3, "tracking", "lost", "The courier says delivered, but nothing came."),
    (4, "dispute", "price", "The coupon was not taken off my order."),
    (3, "dispute", "missing", "The belt was not in the box."),
    (4, "defect", "seam", "A button came off on the first day."),
    (3, "defect", "colour", "The print faded after one wash."),
    (2, "defect", "fabric", "The fabric pills at the sleeves."),
    (7, "return", "size", "Too small. Can I have a size larger?"),
    (3, "return", "look", "The colour is not the one of the picture."),
    (2, "return", "mind", "I would like to send it back."),
    (5, "advice", None, "Does it go with the grey skirt? How do I wash it?"),
    (5, "points", None, "My points of last month are not on my card."),
]
ANSWERS = [
    "Thank you for telling us. I have asked the warehouse and call you back today.",
    "I am sorry for that. A new one is on its way to you.",
    "We take it back at no cost. The label is in your mail.",
    "I have corrected it. You see it on your account now.",
]
WORDS = ["Thanks, that is all I wanted.", "Still nothing.", "Here is the picture."]
PROMISES = ["Call back with the date of delivery", "Send the missing belt"]
#: What becomes of a ticket, and how often.
COURSES = {"fast": 9, "slow": 3, "waits": 5, "reopened": 2, "silent": 2}
#: Scores of those who answer the question after it, of 1 to 5.
SCORES = {"fast": [5, 5, 5, 4], "slow": [3, 4, 2], "waits": [5, 4, 4]}


def load(env):
    """Make a team and a year of tickets; return what to say of it."""
    draw = random.Random(2026)
    team = _create_team(env)
    jacket = _sell(env, draw)
    now = datetime.now().replace(microsecond=0)
    customers = env["hstyle.profile"].search([], limit=400).partner_id
    for number, customer in enumerate(customers):
        customer.phone = f"+86 138{number:08}"
    for number in range(TICKETS):
        # More of them lately, as the shop grows; one in seven is worked on now.
        ago = 360 * (1 - number / TICKETS) ** 1.3
        if number % 7 == 6:
            ago = draw.uniform(0, 6)
        start = now - timedelta(days=ago, minutes=draw.randrange(60))
        case = draw.choices(CASES, [case[0] for case in CASES])[0]
        customer = draw.choice(customers)
        _live(env, draw, team, start, customer, case, jacket, number % 7 == 6)
    _complain(env, draw, team, customers, jacket, now)
    _make_good(env, draw, team)
    _fall(env, draw, team, customers, now)
    meetings = _meet_all(env, draw, team, customers, now)
    env["hstyle.ticket.breach"]._escalate_late()
    env["hstyle.complaint.heat"]._cron_refresh()
    tickets = env["hstyle.ticket"].search([("team_id", "=", team.id)])
    late = env["hstyle.ticket.breach"].search_count([])
    scores = env["rating.rating"].search_count([("consumed", "=", True)])
    env["hstyle.promise"]._cron_remind()
    env["hstyle.profile"]._refresh()
    return (
        f"{len(tickets)} tickets, {late} deadlines missed, {scores} scores, "
        f"{meetings} appointments"
    )


def _create_team(env):
    """Make colleagues who work on weekdays from 9 to 18, the last of them leads."""
    hours = [
        {"name": "Service", "dayofweek": str(day), "hour_from": 9, "hour_to": 18}
        for day in range(5)
    ]
    calendar = env["resource.calendar"].create(
        {
            "name": "Service",
            "tz": env.company.hstyle_tz,
            "attendance_ids": [(5,), *((0, 0, values) for values in hours)],
        }
    )
    roles = ["agent"] * (len(COLLEAGUES) - 1) + ["manager"]
    users = env["res.users"]
    for name, role in zip(COLLEAGUES, roles, strict=True):
        users |= create_user(env, name, f"hstyle_crm.hstyle_crm_group_{role}")
    team = env.ref("hstyle_crm.ticket_team")
    team.write(
        {
            "calendar_id": calendar.id,
            "manager_id": users[-1].id,
            "member_ids": [(6, 0, users[:-1].ids)],
        }
    )
    return team


def _sell(env, draw):
    """Sell a jacket every week for half a year; return it."""
    values = {"name": "Denim jacket", "list_price": 89, "standard_price": 41}
    jacket = env["product.product"].create(
        {**values, "type": "service", "taxes_id": [(5,)]}
    )
    buyers = env["hstyle.profile"].search([], limit=200, order="id").partner_id
    for week in range(WEEKS):
        moment = datetime.now() - timedelta(weeks=WEEKS - week, hours=3)
        line = {"product_id": jacket.id, "product_uom_qty": draw.randrange(8, 13)}
        with freeze_time(moment):
            order = env["sale.order"].create(
                {"partner_id": draw.choice(buyers).id, "order_line": [(0, 0, line)]}
            )
            order.action_confirm()
    return jacket


def _open(env, draw, team, moment, customer, case, jacket):
    """Open a ticket at a moment, as a colleague or the portal does."""
    _often, intent, reason, text = case
    intent = env.ref(f"hstyle_crm.ticket_intent_{intent}")
    values = {
        "name": text.split(".")[0].split("?")[0],
        "description": text,
        "team_id": team.id,
        "partner_id": customer.id,
        "intent_id": intent.id,
        "channel": draw.choice(CHANNELS),
    }
    if reason:
        name = f"{case[1]}_{reason}"
        values["reason_id"] = env.ref(f"hstyle_crm.ticket_reason_{name}").id
    if intent.needs_order:
        domain = [("partner_id", "=", customer.id), ("date_order", "<", moment)]
        values["shop_order_id"] = env["hstyle.order"].search(domain, limit=1).id
    if intent.needs_product and case[1] != "defect":
        values["product_id"] = jacket.id
    with freeze_time(moment):
        return env["hstyle.ticket"].create(values)


def _live(env, draw, team, start, customer, case, jacket, is_open):
    """Let a ticket take its course, as far as it has come by now."""
    ticket = _open(env, draw, team, start, customer, case, jacket)
    [course] = draw.choices(list(COURSES), COURSES.values())
    hours = draw.uniform(0.2, 1.5) if course != "slow" else draw.uniform(20, 90)
    steps = [(hours, "answer")]
    if course == "waits":
        steps += [(hours + 0.1, "waiting"), (hours + draw.uniform(5, 60), "hear")]
    elif course == "silent":
        steps = []
    done = steps[-1][0] + draw.uniform(0.5, 5) if steps else 200
    steps.append((done, "solved"))
    if course == "reopened":
        steps += [(done + 30, "hear"), (done + 33, "answer"), (done + 34, "solved")]
    if is_open:
        steps = steps[: draw.randrange(len(steps))]
    for hours, what in steps:
        moment = start + timedelta(hours=hours)
        if moment >= datetime.now():
            return
        with freeze_time(moment):
            _step(draw, ticket, what)
    if not is_open:
        _close(env, draw, ticket, course, moment)


def _step(draw, ticket, what):
    """Let the owner or the customer do something."""
    said = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
    if what == "answer":
        _answer(draw, ticket.with_user(ticket.user_id or ticket.env.user), said)
        if ticket.kind == "new":
            ticket.stage_id = ticket._get_stage("open")
    elif what == "hear":
        author = ticket.partner_id.id
        ticket.message_post(body=draw.choice(WORDS), author_id=author, **said)
    else:
        ticket.stage_id = ticket._get_stage(what)


def _answer(draw, ticket, said):
    """Answer by a solution that fits, or in other words."""
    solution = (
        ticket.solution_ids[:1] if draw.random() < 0.6 else ticket.solution_ids[:0]
    )
    ticket.with_context(hstyle_solution_id=solution.id).message_post(
        body=solution.answer or draw.choice(ANSWERS), **said
    )


def _close(env, draw, ticket, course, moment):
    """Let some customers say how satisfied they are, and close what is done."""
    policies = env["hstyle.satisfaction.policy"]
    policy = policies.search([("question", "=", "ticket")], limit=1)
    if policy and course in SCORES and draw.random() < 0.5:
        asked = moment + timedelta(hours=24)
        if asked < datetime.now():
            with freeze_time(asked):
                _rate(env, policy, ticket, draw.choice(SCORES[course]))
    if moment < datetime.now() - timedelta(days=14):
        with freeze_time(moment + timedelta(days=7)):
            ticket.stage_id = ticket._get_stage("closed")


def _rate(env, policy, ticket, score):
    """Let a customer answer a question, which no mail has to carry."""
    rating = env["rating.rating"].create(policy._prepare_question(ticket, "email"))
    rating._answer(score)


def _complain(env, draw, team, customers, jacket, now):
    """Let seams of the jacket be complained of: one at first, and six this week."""
    case = (1, "defect", "seam", "The seam of the jacket is open.")
    days = [7 * WEEKS - 20, 7 * WEEKS - 40, 60, 5, 4, 3, 2, 1, 0.2]
    for ago in days:
        customer = draw.choice(customers)
        moment = now - timedelta(days=ago)
        ticket = _open(env, draw, team, moment, customer, case, jacket)
        ticket.product_id = jacket
        if ago > 7:
            with freeze_time(moment + timedelta(hours=5)):
                _step(draw, ticket, "solved")


def _make_good(env, draw, team):
    """Give goodwill for some complaints, within the budget and beyond, and promise."""
    env.ref("hstyle_crm.goodwill_budget_agent").amount = 200
    complaints = env["hstyle.ticket"].search(
        [("team_id", "=", team.id), ("intent_id.is_complaint", "=", True)], limit=30
    )
    reason = env.ref("hstyle_crm.goodwill_reason_defect")
    env.ref("hstyle_crm.goodwill_budget_agent").amount = BUDGET
    # What managers give themselves waits for nobody.
    complaints = complaints.filtered(lambda one: one.user_id in team.member_ids)
    for number, ticket in enumerate(complaints[:16]):
        mine = ticket.with_user(ticket.user_id)
        if number % 2:
            # The first is beyond the budget, and waits for a manager.
            gift = [("coupon", BUDGET + 100), ("points", 20), ("coupon", 10)][
                number // 2 % 3
            ]
            mine._compensate(*gift, reason)
        moment = max(ticket.opened_at, datetime.now() - timedelta(days=60))
        with freeze_time(moment):
            day = env.company._hstyle_today() + timedelta(days=draw.randrange(1, 6))
            promise = mine.env["hstyle.promise"].create(
                {
                    "name": draw.choice(PROMISES),
                    "partner_id": ticket.partner_id.id,
                    "document": f"hstyle.ticket,{ticket.id}",
                    "due_on": day,
                }
            )
        if number % 3:
            with freeze_time(moment + timedelta(days=1)):
                promise.action_keep()


def _fall(env, draw, team, customers, now):
    """Let satisfied customers say less than before; two of them were cared for."""
    policies = env["hstyle.satisfaction.policy"]
    policy = policies.search([("question", "=", "ticket")], limit=1)
    case = (1, "points", None, "My points of last month are not on my card.")
    for number, score in enumerate([4, 4, 2, 4, 3, 4]):
        customer = customers[-1 - number]
        days = (60, 12) if number > 3 else (45, 2)
        for ago, answer in zip(days, (5, score), strict=True):
            moment = now - timedelta(days=ago)
            ticket = _open(env, draw, team, moment, customer, case, None)
            with freeze_time(moment + timedelta(hours=3)):
                _step(draw, ticket, "solved")
            with freeze_time(moment + timedelta(hours=20)):
                _rate(env, policy, ticket, answer)
    outcomes = ("kept", "lost")
    cards = env["hstyle.care"].search([("outcome", "=", False)], order="due", limit=2)
    for card, outcome in zip(cards, outcomes, strict=False):
        with freeze_time(card.create_date + timedelta(hours=6)):
            card.write({"outcome": outcome, "note": "Called, and listened."})


def _meet_all(env, draw, team, customers, now):
    """See customers in the shop: some have been there, some come in the next days."""
    case = (1, "appointment", None, "May I come to have the jacket altered?")
    for number in range(9):
        # By day, so that three are still ahead.
        ago = 70 - 10 * number if number < 6 else 0.1
        customer = customers[20 + number]
        moment = now - timedelta(days=ago)
        ticket = _open(env, draw, team, moment, customer, case, None)
        with freeze_time(moment):
            starts = list(ticket._get_free_slots())
            appointment = ticket._book(starts[draw.randrange(min(12, len(starts)))])
        if number < 6:
            with freeze_time(appointment.stop):
                appointment._close("missed" if number == 2 else "done")
                _step(draw, ticket, "solved")
    solutions = env["hstyle.solution"].search([("is_public", "=", True)], limit=3)
    for solution in solutions:
        solution._note("deflected")
    return env["hstyle.appointment"].search_count([])
