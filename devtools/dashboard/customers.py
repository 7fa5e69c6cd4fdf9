"""What the dashboards about customers show: members, points, and who moves where."""

from .blocks import (
    HALVES,
    MATRIX,
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


def members():
    """Return the dashboard of members and points."""
    board = Board("members", HALVES, period("last_12_months"))
    share = Source("hstyle.member.share", match={"period": "month"})
    joined = Source("hstyle.membership", match={"period": "joined_on"})
    owed = Source("hstyle.points.liability")
    ledger = Source("loyalty.history", [["kind", "!=", False]], {"period": "date"})
    buyers = Source("hstyle.profile", [["order_count", ">", 0]])
    revenue = menu("hstyle_member_share_menu")
    again = menu("hstyle_member_report_menu_repurchase")
    club = menu("hstyle_membership_menu")
    points = menu("hstyle_points_liability_menu")
    by_members = share.where(("is_member", "=", True))
    board.add_cards(
        Card("Members' share", revenue, (share, "member_share"), PERCENT),
        Card("Members' revenue", revenue, (by_members, "revenue")),
        Card("Repurchase share", again, (share, "repeat_share"), PERCENT),
        Card("New members", club, (joined, "__count")),
        Card(
            "Points liability",
            points,
            (owed, "value"),
            note=(owed, "expected_cost"),
            text="expected cost",
        ),
    )
    board.add_row(
        Chart(
            "Revenue by tier, month by month",
            revenue,
            share,
            "revenue",
            ("month:month", "grade_id"),
        )
    )
    rates = {"Members' share": "member_share", "Repurchase share": "repeat_share"}
    board.add_row(
        Trend("What members and regulars bring", again, share, "month:month", rates),
        Chart(
            "Members by tier",
            club,
            Source("hstyle.membership"),
            "__count",
            ("grade_id",),
            kind="pie",
            legend="right",
        ),
    )
    board.add_row(
        Chart(
            "Points earned, spent and expired",
            menu("loyalty_history_menu"),
            ledger,
            "points",
            ("date:month", "kind"),
        ),
        Chart(
            "Points owed, by month of expiry",
            points,
            owed,
            "value",
            ("expiration_date:month", "state"),
        ),
    )
    board.add_row(
        Table(
            "What each tier brings",
            revenue,
            share,
            "grade_id",
            "Tier then",
            {
                "Orders": ("orders", WHOLE),
                "Revenue": ("revenue", WHOLE),
                "Margin": ("margin", WHOLE),
                "Repurchase": ("repeat_share", PERCENT),
            },
            lines=6,
            sort="revenue",
        ),
        Table(
            "Where customers stand",
            menu("hstyle_profile_menu"),
            buyers,
            "stage",
            "Lifecycle",
            {
                "Customers": ("__count", WHOLE),
                "Revenue, 12 months": ("revenue_12m", WHOLE),
                "Expected, 12 months": ("expected_value_12m", WHOLE),
            },
            lines=6,
            sort="revenue_12m",
        ),
    )
    board.add_row(
        List(
            "Best customers of the last 12 months",
            menu("hstyle_profile_menu"),
            buyers,
            {
                "Customer": ("partner_id", 2, "label"),
                "RFM group": ("rfm_group", 3, "text"),
                "Lifecycle": ("stage", 2, "text"),
                "Last order": ("last_order_on", 2, "date"),
                "Orders": ("order_count_12m", 2, "number"),
                "Revenue": ("revenue_12m", 2, "number"),
            },
            "revenue_12m desc",
        )
    )
    return board


def migration():
    """Return the dashboard of moves between tiers, RFM groups and segments."""
    board = Board("migration", MATRIX, period("last_12_months"))
    moves = Source("hstyle.migration", match={"period": "month"})
    steps = Source("hstyle.tier.move", [["kind", "!=", "keep"]], {"period": "date"})
    tiers = menu("hstyle_tier_move_menu")
    joined, up, down, left = (
        (steps.where(("kind", "=", kind)), "__count")
        for kind in ("join", "up", "down", "left")
    )
    board.add_cards(
        Card("Joined", tiers, joined),
        Card("Upgraded", tiers, up),
        Card("Downgraded", tiers, down, less_is_better=True),
        Card("Left the tiers", tiers, left, less_is_better=True),
    )
    months = ("date:month", "kind")
    board.add_row(
        Chart("Moves of tiers, month by month", tiers, steps, "__count", months)
    )
    matrices = (
        ("Tiers: from where to where", tiers, "tier", "grade_{}_id", 6),
        (
            "Segments: left, and entered in the same month",
            menu("hstyle_migration_menu_segment"),
            "segment",
            "segment_{}_id",
            8,
        ),
        (
            "RFM groups: from where to where",
            menu("hstyle_migration_menu"),
            "rfm",
            "rfm_group_{}",
            11,
        ),
    )
    for title, link, kind, name, lines in matrices:
        board.add_row(
            Table(
                title,
                link,
                moves.where(("kind", "=", kind)),
                name.format("from"),
                "From ↓ to →",
                {"Customers": ("customers", WHOLE)},
                column=name.format("to"),
                lines=lines,
                width=11,
            )
        )
    return board
