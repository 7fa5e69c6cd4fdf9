import json
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.tests import HttpCase, tagged

from odoo.addons.hstyle_crm.tests.common import ROLES, HstyleTiersCommon

#: Dashboard → the lowest role that reads it.
READERS = {
    "members": "manager",
    "migration": "marketer",
    "service": "agent",
    "campaigns": "marketer",
    "campus": "campus",
    "costs": "manager",
}
# Opens each dashboard as a user does, waits for its numbers, and compares them.
READ = """
(async () => {
    const expected = %s;
    const {services} = odoo.__WOWL_DEBUG__.root.env;
    const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const read = (model) => {
        const cells = model.getters.getSheetIds().flatMap((sheet) =>
            Object.values(model.getters.getEvaluatedCells(sheet)));
        return {
            wait: cells.some((cell) => cell.message === "Data is loading"
                || String(cell.value).startsWith("Loading")),
            errors: cells.filter((cell) => cell.type === "error"
                || String(cell.value).startsWith("#")),
        };
    };
    try {
        for (const [name, rows] of Object.entries(expected)) {
            const find = () => document.querySelector(`li[data-name="${name}"]`);
            for (let tries = 0; tries < 600 && !find(); tries++) {
                await pause(200);
            }
            find().click();
            let model, found;
            for (let tries = 0; tries < 150; tries++) {
                await pause(200);
                const loader = services.spreadsheet_dashboard_loader;
                const board = loader.getActiveDashboard();
                if (board.status !== "Loaded" || board.data.name !== name) {
                    continue;
                }
                model = board.model;
                found = read(model);
                const ready = document.querySelectorAll(".o-figure").length;
                if (ready && !found.wait && tries > 15) {
                    break;
                }
            }
            if (!found || found.wait || found.errors.length) {
                const texts = found && found.errors.map((cell) =>
                    `${cell.value} ${cell.message || cell.formattedValue}`);
                throw new Error(`${name}: ${JSON.stringify(texts || "not loaded")}`);
            }
            const data = model.getters.getSheetIds()[1];
            const {getEvaluatedCell} = model.getters;
            const text = (col, row) =>
                getEvaluatedCell({sheetId: data, col, row}).formattedValue;
            const shown = {};
            for (let row = 0; row < 8; row++) {
                shown[text(0, row)] = text(1, row);
            }
            for (const [label, value] of Object.entries(rows)) {
                if (shown[label] !== value) {
                    throw new Error(`${name}: ${label} is ${shown[label]}: ${value}`);
                }
            }
        }
        console.log("test successful");
    } catch (error) {
        console.error(String(error));
    }
})();
"""


class DashboardCommon(HstyleTiersCommon):
    @classmethod
    def _get_boards(cls):
        refs = {
            name: f"hstyle_crm_dashboard.spreadsheet_dashboard_{name}"
            for name in READERS
        }
        return {name: cls.env.ref(ref) for name, ref in refs.items()}


@tagged("post_install", "-at_install")
class TestDashboards(DashboardCommon):
    def test_who_sees_what(self):
        """Each role sees its dashboards; a CRM manager all of them; others none."""
        group = self.env.ref("hstyle_crm_dashboard.spreadsheet_dashboard_group_hstyle")
        for role in (*ROLES, "salesperson"):
            user = getattr(self, role)
            boards = self.env["spreadsheet.dashboard"].with_user(user)
            seen = boards.search([("dashboard_group_id", "=", group.id)])
            roles = {"manager": set(READERS.values())}.get(role, {role})
            mine = {self._get_boards()[n] for n, r in READERS.items() if r in roles}
            self.assertEqual(set(seen.sudo()), mine, role)

    def test_sources(self):
        """The lowest role of a dashboard may read all that is in it."""
        for name, board in self._get_boards().items():
            user = getattr(self, READERS[name])
            data = json.loads(board.spreadsheet_data)
            with self.subTest(dashboard=name):
                self.assertTrue(data["pivots"])
                for pivot in data["pivots"].values():
                    self._read_pivot(user, pivot)
                for rows in data["lists"].values():
                    model = self.env[rows["model"]].with_user(user)
                    order = ", ".join(
                        f"{by['name']} {'asc' if by['asc'] else 'desc'}"
                        for by in rows["orderBy"]
                    )
                    model.search_read(rows["domain"], rows["columns"], order=order)
                for figure in data["sheets"][0]["figures"]:
                    self._read_chart(user, figure["data"])

    def _read_pivot(self, user, pivot):
        groups = [
            ":".join(filter(None, (by["fieldName"], by.get("granularity"))))
            for by in (*pivot["rows"], *pivot["columns"])
        ]
        model = self.env[pivot["model"]].with_user(user)
        self._read(model, pivot["domain"], groups, [m["id"] for m in pivot["measures"]])

    def _read_chart(self, user, chart):
        if chart["type"].startswith("odoo_"):
            meta = chart["metaData"]
            model = self.env[meta["resModel"]].with_user(user)
            domain = chart["searchParams"]["domain"]
            self._read(model, domain, meta["groupBy"], [meta["measure"]])

    def _read(self, model, domain, groups, measures):
        measures = [
            name
            if name == "__count" or ":" in name
            else f"{name}:{model._fields[name].aggregator}"
            for name in measures
        ]
        model.formatted_read_group(domain, groups, measures)

    def test_filters(self):
        """What a filter of a dashboard is about is a field of each source."""
        for board in self._get_boards().values():
            data = json.loads(board.spreadsheet_data)
            charts = [figure["data"] for figure in data["sheets"][0]["figures"]]
            matched = [*data["pivots"].values(), *data["lists"].values(), *charts]
            filters = {by["id"]: by for by in data["globalFilters"]}
            for source in matched:
                model = source.get("model") or source.get("metaData", {}).get(
                    "resModel"
                )
                for name, match in source.get("fieldMatching", {}).items():
                    field = self.env[model]._fields[match["chain"]]
                    self.assertEqual(field.type, match["type"])
                    self.assertEqual(
                        field.comodel_name or None, filters[name].get("modelName")
                    )


@tagged("post_install", "-at_install")
class TestDashboardsShown(DashboardCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Made on demand, which is slow: once for all tests.
        bundle = cls.env["ir.qweb"]._get_asset_bundle("spreadsheet.o_spreadsheet")
        bundle.js()
        bundle.css()

    def _read_all(self, lang, labels):
        """Read all dashboards in the browser, as a manager in a language."""
        month = fields.Date.start_of(fields.Date.today(), "month")
        month -= relativedelta(months=1)
        self._buy(100, month - timedelta(days=20))
        self._buy(300, month + timedelta(days=9))
        self.env["hstyle.profile"]._refresh()
        self.manager.lang = lang
        boards = {name: {} for name in READERS}
        boards["members"] = dict(zip(labels, ("75.0%", "50.0%", "1"), strict=True))
        named = {
            board.with_context(lang=lang).name: boards[name]
            for name, board in self._get_boards().items()
        }
        self.browser_js(
            "/odoo/dashboards",
            READ % json.dumps(named),
            "odoo.isReady === true && Boolean(odoo.__WOWL_DEBUG__)",
            login="hstyle_manager",
            timeout=300,
        )

    def test_english(self):
        self._read_all("en_US", ["Members' share", "Repurchase share", "New members"])

    def test_chinese(self):
        self._read_all("zh_CN", ["会员占比", "复购占比", "新会员"])
