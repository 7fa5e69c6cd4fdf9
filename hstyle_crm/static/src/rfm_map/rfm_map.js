import {Component, onWillStart, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {user} from "@web/core/user";
import {useService} from "@web/core/utils/hooks";
import {formatInteger, formatMonetary} from "@web/views/fields/formatters";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";

const SCORES = [5, 4, 3, 2, 1];

/** Recency by frequency: how many customers stand where, and what they brought. */
export class RfmMap extends Component {
    static template = "hstyle_crm.RfmMap";
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.rows = SCORES;
        this.columns = [...SCORES].reverse();
        this.state = useState({measure: "count"});
        onWillStart(() => this.load());
    }

    get measures() {
        return {count: _t("Customers"), revenue: _t("Net revenue")};
    }

    async load() {
        const groups = await this.orm.formattedReadGroup(
            "hstyle.profile",
            [["company_id", "=", user.activeCompany.id]],
            ["r_score", "f_score"],
            ["__count", "revenue:sum"],
        );
        this.cells = {};
        for (const group of groups) {
            this.cells[`${group.r_score}-${group.f_score}`] = {
                count: group.__count,
                revenue: group["revenue:sum"],
                domain: group.__domain,
            };
        }
        this.total = {count: 0, revenue: 0};
        this.highest = {count: 0, revenue: 0};
        for (const cell of Object.values(this.cells)) {
            for (const measure of ["count", "revenue"]) {
                this.total[measure] += cell[measure];
                this.highest[measure] = Math.max(this.highest[measure], cell[measure]);
            }
        }
    }

    cell(recency, frequency) {
        return this.cells[`${recency}-${frequency}`];
    }

    /** The colour says how much of the chosen measure stands in the cell. */
    style(cell) {
        const share = cell
            ? cell[this.state.measure] / this.highest[this.state.measure]
            : 0;
        return `--hstyle-share: ${Math.round(share * 100)}%`;
    }

    format(measure, value) {
        return measure === "count"
            ? formatInteger(value)
            : formatMonetary(value, {
                  currencyId: user.activeCompany.currency_id,
                  digits: [16, 0],
              });
    }

    async open(cell, recency, frequency) {
        const action = await this.action.loadAction("hstyle_crm.hstyle_profile_action");
        this.action.doAction({
            ...action,
            name: `R${recency} · F${frequency}`,
            domain: cell.domain,
            views: action.views.filter(([, type]) => type !== "kanban"),
        });
    }
}

registry.category("actions").add("hstyle_crm.rfm_map", RfmMap);
