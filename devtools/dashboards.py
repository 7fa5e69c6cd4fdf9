"""What the dashboards of ``hstyle_crm_dashboard`` show, and the command's work.

A dashboard is a page that a manager reads from the top: the numbers of the period
beside those of the one before, then how they came about, then who and what.
"""

from .dashboard_sheet import (
    DECIMAL,
    PERCENT,
    WHOLE,
    Board,
    Card,
    Chart,
    List,
    Source,
    Table,
    Trend,
)
from .paths import ROOT

FILES = ROOT / "hstyle_crm_dashboard/data/files"
#: Labels and five numbers at the left, a gap, and the same at the right.
HALVES = (180, *5 * (72,), None, 180, *5 * (72,))
#: Labels and a column for each of eleven groups and their sum.
MATRIX = (190, *12 * (76,))


def _period(default):
    return {"id": "period", "type": "date", "label": "Period", "defaultValue": default}


def _relation(name, label, model):
    return {
        "id": name,
        "type": "relation",
        "label": label,
        "modelName": model,
        "defaultValueDisplayNames": [],
    }


def _menu(name):
    return f"hstyle_crm.{name}"


def members():
    """Return the dashboard of members and points."""
    board = Board("members", HALVES, {"period": _period("last_12_months")})
    share = Source("hstyle.member.share", match={"period": "month"})
    joined = Source("hstyle.membership", match={"period": "joined_on"})
    owed = Source("hstyle.points.liability")
    ledger = Source("loyalty.history", [["kind", "!=", False]], {"period": "date"})
    months = _menu("hstyle_member_report_menu")
    again = _menu("hstyle_member_report_menu_repurchase")
    club = _menu("hstyle_membership_menu")
    points = _menu("hstyle_points_liability_menu")
    profiles = Source("hstyle.profile", [["order_count", ">", 0]])
    board.add_cards(
        Card("Members' share of revenue", months, (share, "member_share"), PERCENT),
        Card(
            "Members' revenue",
            months,
            (share.where(("is_member", "=", True)), "revenue"),
        ),
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
            months,
            share,
            "revenue",
            ("month:month", "grade_id"),
        )
    )
    rates = {"Members' share of revenue": "member_share"}
    rates["Repurchase share"] = "repeat_share"
    board.add_row(
        Trend("How much members and regulars bring", again, share, "month:month", rates),
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
            _menu("loyalty_history_menu"),
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
            months,
            share,
            ("grade_id",),
            {
                "orders": WHOLE,
                "revenue": WHOLE,
                "margin": WHOLE,
                "repeat_share": PERCENT,
            },
            lines=8,
            sort="revenue",
        ),
        Table(
            "Where customers stand",
            _menu("hstyle_profile_menu"),
            profiles,
            ("stage",),
            {"__count": WHOLE, "revenue_12m": WHOLE, "expected_value_12m": WHOLE},
            lines=8,
            sort="revenue_12m",
        ),
    )
    board.add_row(
        List(
            "Best customers of the last 12 months",
            _menu("hstyle_profile_menu"),
            profiles,
            {
                "partner_id": 2,
                "rfm_group": 3,
                "stage": 2,
                "last_order_on": 1,
                "order_count_12m": 2,
                "revenue_12m": 2,
            },
            "revenue_12m desc",
        )
    )
    return board


def migration():
    """Return the dashboard of moves between tiers, RFM groups and segments."""
    board = Board("migration", MATRIX, {"period": _period("last_12_months")})
    moves = Source("hstyle.migration", match={"period": "month"})
    matrices = (
        ("Tiers: from where to where", "hstyle_tier_move_menu", "tier", "grade", "_id"),
        (
            "RFM groups: from where to where",
            "hstyle_profile_month_menu",
            "rfm",
            "rfm_group",
            "",
        ),
        (
            "Segments: left, and entered in the same month",
            "hstyle_segment_menu",
            "segment",
            "segment",
            "_id",
        ),
    )
    steps = Source("hstyle.tier.move", [["kind", "!=", "keep"]], {"period": "date"})
    up, down, joined = (
        steps.where(("kind", "=", kind)) for kind in ("up", "down", "join")
    )
    board.add_cards(
        Card("Joined", _menu("hstyle_tier_move_menu"), (joined, "__count")),
        Card("Moved up", _menu("hstyle_tier_move_menu"), (up, "__count")),
        Card(
            "Moved down",
            _menu("hstyle_tier_move_menu"),
            (down, "__count"),
            less_is_better=True,
        ),
    )
    board.add_row(
        Chart(
            "Moves of tiers, month by month",
            _menu("hstyle_tier_move_menu"),
            steps,
            "__count",
            ("date:month", "kind"),
        )
    )
    for title, menu, kind, name, end in matrices:
        columns = (f"{name}_to{end}",)
        board.add_row(
            Table(
                title,
                _menu(menu),
                moves.where(("kind", "=", kind)),
                (f"{name}_from{end}",),
                {"customers": WHOLE},
                columns=columns,
                lines=12 if kind != "tier" else 6,
            )
        )
    return board


BOARDS = (members, migration)


def run():
    """Write the files of the dashboards; return those that have changed."""
    FILES.mkdir(parents=True, exist_ok=True)
    changed = []
    for build in BOARDS:
        path, text = FILES / f"{build.__name__}_dashboard.json", build().write()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
    return changed
