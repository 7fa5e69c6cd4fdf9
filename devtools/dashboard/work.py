"""What the dashboards about our work show: service, campaigns, campus, and its cost."""

from .blocks import (
    DECIMAL,
    HALVES,
    MATRIX,
    MONEY,
    PERCENT,
    WHOLE,
    Card,
    Chart,
    List,
    Source,
    Table,
    Trend,
    menu,
    period,
)
from .board import Board


def service():
    """Return the dashboard of tickets, satisfaction and the cliff below 5."""
    teams = {"team": ("Service team", "hstyle.ticket.team")}
    board = Board("service", HALVES, period("last_90_days", **teams))
    match = {"period": "opened_at", "team": "team_id"}
    tickets = Source("hstyle.ticket.report", match=match)
    match = {"period": "asked_at", "team": "team_id"}
    answers = Source("hstyle.satisfaction", [["answered", "=", 1]], match)
    late = Source("hstyle.ticket", [["next_due", "<", "now"]], {"team": "team_id"})
    cares = Source("hstyle.care", match={"period": "create_date"})
    promises = Source("hstyle.promise", [["state", "!=", "open"]], {"period": "due_on"})
    analysis = menu("hstyle_ticket_report_menu")
    desk = menu("hstyle_ticket_menu")
    scores = menu("hstyle_satisfaction_menu")
    care = menu("hstyle_care_menu")
    board.add_cards(
        Card("Tickets", analysis, (tickets, "__count"), less_is_better=True),
        Card("Answered in time", analysis, (tickets, "answer_met"), PERCENT),
        Card("Solved in time", analysis, (tickets, "solve_met"), PERCENT),
        Card("Answers of 5", scores, (answers, "top_box"), PERCENT),
        Card("Fell from 5", care, (cares, "__count"), less_is_better=True),
        Card(
            "Too late now",
            desk,
            (late, "__count"),
            note=(late.where(("user_id", "=", False)), "__count"),
            text="without an owner",
        ),
    )
    in_time = {"Answered in time": "answer_met", "Solved in time": "solve_met"}
    weeks = "opened_at:week"
    board.add_row(
        Chart("Tickets by week", analysis, tickets, "__count", (weeks, "intent_id")),
        Trend("In time, week by week", analysis, tickets, weeks, in_time, count=14),
    )
    satisfied = {"5": "top_box", "4 and 5": "top_two"}
    board.add_row(
        Trend(
            "Satisfied, week by week",
            scores,
            answers,
            "asked_at:week",
            satisfied,
            count=14,
        ),
        Chart(
            "Why customers turn to us",
            analysis,
            tickets,
            "__count",
            ("intent_id",),
            legend="none",
            horizontal=True,
            order="DESC",
        ),
    )
    board.add_row(
        Table(
            "People",
            analysis,
            tickets,
            "user_id",
            "Owner",
            {
                "Tickets": ("__count", WHOLE),
                "Answered in time": ("answer_met", PERCENT),
                "Solved in time": ("solve_met", PERCENT),
                "Hours to solve": ("solve_hours", DECIMAL),
                "Opened again": ("reopened", PERCENT),
            },
            lines=8,
            sort="__count",
        ),
        List(
            "Too late now",
            desk,
            late,
            {
                "Ticket": ("name", 2, "label"),
                "Customer": ("partner_id", 2, "text"),
                "Late since": ("next_due", 2, "time"),
            },
            "next_due asc",
            lines=8,
        ),
    )
    board.add_row(
        List(
            "The cliff: who bought again, by score",
            menu("hstyle_satisfaction_loyalty_menu"),
            Source("hstyle.satisfaction.loyalty"),
            {
                "Score": ("score", 1, "label"),
                "Answers": ("answers", 1, "value"),
                "Bought again": ("bought", 1, "value"),
                "Share of them": ("share", 1, "value"),
                "Against 4": ("factor", 1, "value"),
                "Xerox, 1995": ("published", 1, "value"),
            },
            "score desc",
            lines=5,
        ),
        Table(
            "What customers bought after service",
            menu("hstyle_service_value_menu"),
            Source("hstyle.service.value"),
            "verdict",
            "Service",
            {
                "Customers": ("__count", WHOLE),
                "Bought again": ("bought_again", PERCENT),
                "Revenue since": ("revenue", WHOLE),
            },
            lines=5,
            sort="__count",
        ),
    )
    board.add_row(
        List(
            "Fell from 5, and nobody has cared yet",
            care,
            Source("hstyle.care", [["outcome", "=", False]]),
            {
                "Customer": ("partner_id", 2, "label"),
                "Score before": ("previous_score", 1, "value"),
                "Score now": ("score", 1, "value"),
                "Care until": ("due", 2, "time"),
            },
            "due asc",
            lines=6,
        ),
        Table(
            "Promises",
            menu("hstyle_promise_menu_report"),
            promises,
            "user_id",
            "Who promised",
            {"Promises": ("__count", WHOLE), "Kept, %": ("kept_share", DECIMAL)},
            lines=6,
            sort="__count",
        ),
    )
    return board


def campaigns():
    """Return the dashboard of campaigns and of the gate that their messages pass."""
    board = Board("campaigns", HALVES, period("year_to_date"))
    launched = Source(
        "utm.campaign",
        [["hstyle_launched_on", "!=", False]],
        {"period": "hstyle_launched_on"},
    )
    messages = Source("hstyle.contact", match={"period": "day"})
    refused = messages.where(("state", "=", "refused"))
    coupons = Source("hstyle.redemption", match={"period": "date"})
    segments = Source("hstyle.segment")
    link, log = menu("utm_campaign_menu"), menu("hstyle_contact_menu")
    board.add_cards(
        Card("Campaigns launched", link, (launched, "__count")),
        Card("Margin gained", link, (launched, "hstyle_gained_margin")),
        Card(
            "Messages",
            log,
            (messages, "__count"),
            note=(refused, "__count"),
            text="refused",
        ),
        Card("Coupons redeemed", menu("hstyle_redemption_menu"), (coupons, "__count")),
    )
    board.add_row(
        List(
            "What campaigns brought, against their control groups",
            link,
            launched,
            {
                "Campaign": ("title", 2, "label"),
                "Launched on": ("hstyle_launched_on", 2, "date"),
                "Result": ("hstyle_verdict", 4, "text"),
                "Redeemed, %": ("hstyle_response", 1, "rate"),
                "Lift, %": ("hstyle_lift", 1, "rate"),
                "Margin gained": ("hstyle_gained_margin", 2, "number"),
                "Return, %": ("hstyle_return", 1, "rate"),
            },
            "hstyle_launched_on desc",
        )
    )
    weeks = ("day:week", "state")
    board.add_row(
        Chart("Messages sent and refused", log, messages, "__count", weeks),
        Chart(
            "Why messages were refused",
            log,
            refused,
            "__count",
            ("reason",),
            legend="none",
            horizontal=True,
            order="DESC",
        ),
    )
    board.add_row(
        Chart(
            "Coupons redeemed",
            menu("hstyle_redemption_menu"),
            coupons,
            "__count",
            ("date:month",),
            legend="none",
        ),
        Table(
            "Coupons redeemed, by campaign",
            menu("hstyle_redemption_menu"),
            coupons,
            "campaign_id",
            "Campaign",
            {
                "Redeemed": ("__count", WHOLE),
                "Customers": ("partner_id:count_distinct", WHOLE),
            },
            sort="__count",
        ),
    )
    board.add_row(
        List(
            "Segments",
            menu("hstyle_segment_menu"),
            segments,
            {
                "Segment": ("name", 2, "label"),
                "Who this is": ("note", 7, "text"),
                "Customers now": ("member_count", 4, "number"),
            },
            "member_count desc",
        )
    )
    return board


def campus():
    """Return the dashboard of agents, their friends and the gifts they hand out."""
    campuses = {"campus": ("Campus", "hstyle.campus")}
    board = Board("campus", HALVES, period("year_to_date", **campuses))
    match = {"period": "cohort", "campus": "campus_id"}
    circle = Source("hstyle.circle", match=match)
    agents = Source("hstyle.agent", [["state", "=", "active"]], {"campus": "campus_id"})
    gifts = Source(
        "hstyle.gift.report", match={"period": "date", "campus": "campus_id"}
    )
    friends, supply = menu("hstyle_circle_menu"), menu("hstyle_gift_report_menu")
    board.add_cards(
        Card("Friends", friends, (circle, "friends")),
        Card("Kept customers", friends, (circle, "kept")),
        Card("Net revenue of friends", friends, (circle, "revenue")),
        Card("Again in 90 days, %", friends, (circle, "again_90"), DECIMAL),
        Card(
            "Active agents",
            menu("hstyle_agent_menu"),
            (agents, "__count"),
            note=(gifts, "given_count"),
            text="gifts handed out",
        ),
    )
    months = ("cohort:month", "campus_id")
    board.add_row(
        Chart("Friends who came", friends, circle, "friends", months),
        Chart("What they went on to buy", friends, circle, "revenue", months),
    )
    figures = {
        "Friends": ("friends", WHOLE),
        "With an order": ("buyers", WHOLE),
        "Stayed": ("kept", WHOLE),
        "Revenue": ("revenue", WHOLE),
        "Again, %": ("again_90", DECIMAL),
    }
    board.add_row(
        Table("Agents", friends, circle, "agent_id", "Agent", figures, sort="revenue"),
        Table(
            "Campuses", friends, circle, "campus_id", "Campus", figures, sort="revenue"
        ),
    )
    given = {
        "Supplied": ("supplied_count", WHOLE),
        "Handed out": ("given_count", WHOLE),
        "Left over": ("left_count", WHOLE),
        "Cost": ("cost", WHOLE),
    }
    board.add_row(
        Chart(
            "Gifts handed out",
            supply,
            gifts,
            "given_count",
            ("date:month", "campus_id"),
        ),
        Table("Gift packs", supply, gifts, "pack_id", "Gift pack", given, lines=8),
    )
    return board


def costs():
    """Return the dashboard of what customers cost, and of who works with the system."""
    board = Board("costs", MATRIX, period("year_to_date"))
    spent = Source("hstyle.spending", match={"period": "month"})
    used = Source("hstyle.usage", match={"period": "week"})
    link, work = menu("hstyle_spending_menu"), menu("hstyle_usage_menu")
    new, kept = (spent.where(("purpose", "=", name)) for name in ("acquire", "keep"))
    money = spent.where(("amount", "!=", 0))
    board.add_cards(
        Card("Winning customers", link, (new, "amount"), less_is_better=True),
        Card("Cost of a new one", link, (new, "cost_each"), MONEY, less_is_better=True),
        Card("Keeping customers", link, (kept, "amount"), less_is_better=True),
        Card(
            "Cost of a kept one", link, (kept, "cost_each"), MONEY, less_is_better=True
        ),
        Card("Work done", work, (used, "done")),
    )
    months = ("month:month", "purpose")
    board.add_row(
        Chart("Winning and keeping, month by month", link, money, "amount", months),
        Chart(
            "What it went to",
            link,
            money,
            "amount",
            ("kind",),
            kind="pie",
            legend="right",
        ),
    )
    board.add_row(
        Chart("Work done by week", work, used, "done", ("week:week", "kind")),
    )
    board.add_row(
        Table(
            "Work by person",
            work,
            used,
            "user_id",
            "Person ↓ work →",
            {"Done": ("done", WHOLE)},
            column="kind",
            width=11,
        )
    )
    board.add_row(
        Table(
            "Customers who buy in several shops",
            menu("hstyle_cross_shop_menu"),
            Source("hstyle.cross.shop"),
            "shop_id",
            "Shop ↓ also buys in →",
            {"Customers": ("customers", WHOLE)},
            column="other_shop_id",
            lines=8,
            width=11,
        )
    )
    return board
