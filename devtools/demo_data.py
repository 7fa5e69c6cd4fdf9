"""Load the sample story into an Odoo database; runs in an Odoo shell.

A real retailer's year is imported (`demo_sheet`); then the addon's own doors make of
it members, campaigns, campuses, a service desk and the days of the sales team.
"""

import resource
import tempfile
import time
from pathlib import Path

from . import (
    demo_campaigns,
    demo_campus,
    demo_members,
    demo_people,
    demo_sales,
    demo_service,
    demo_sheet,
)

SHOP = "Complete Journey"
#: What follows the import, each a commit.
PARTS = [
    demo_members.raise_tiers,
    demo_members.give_points,
    demo_campaigns.run_campaigns,
    demo_campaigns.set_up_sms,
    demo_campaigns.act_on_segments,
    demo_campaigns.make_offers,
    demo_campus.load,
    demo_service.load,
    demo_sales.load,
    demo_people.invite_customer,
]


def load(env):
    """Import the year through the addon's own import; let everything else follow."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "complete-journey.csv")
        tags = demo_sheet.write_real(path) or demo_sheet.write_generated(path)
        _say(started, "sheet written")
        _create_shop(env)
        _import(env, path, started)
    demo_members.tag(env, tags)
    for refresh in (_refresh_profiles, _refresh_habits, _forecast, *PARTS):
        if text := refresh(env):
            _say(started, text)
        env.cr.commit()


def _refresh_profiles(env):
    done = env["hstyle.profile"]._refresh()
    return f"profiles refreshed: {done['inserted']:,} customers"


def _refresh_habits(env):
    done = env["hstyle.habit"]._refresh()
    return f"habits refreshed: {done['inserted']:,} customers and categories"


def _forecast(env):
    forecast = env["hstyle.forecast"]._make(env.company)
    return f"what customers will order: {forecast.state}"


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
