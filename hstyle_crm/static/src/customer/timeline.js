import {Component, useState} from "@odoo/owl";
import {deserializeDateTime, formatDate} from "@web/core/l10n/dates";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {KeepLast} from "@web/core/utils/concurrency";
import {useService} from "@web/core/utils/hooks";
import {useRecordObserver} from "@web/model/relational_model/utils";
import {formatFloat, formatMonetary} from "@web/views/fields/formatters";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

const MODEL = "hstyle.timeline";
const PAGE = 30;
const NAME = {fields: {display_name: {}}};
const SPECIFICATION = {
    kind: {},
    date: {},
    name: {},
    amount: {},
    currency_id: {fields: {}},
    points: {},
    shop_id: NAME,
    channel: {},
    user_id: NAME,
    res_id: {},
};
const ICONS = {
    order: "fa-shopping-bag",
    refund: "fa-undo",
    points: "fa-star-o",
    tier: "fa-trophy",
    benefit: "fa-gift",
    goodwill: "fa-heart-o",
    ticket: "fa-life-ring",
    answer: "fa-comment-o",
    score: "fa-smile-o",
    care: "fa-medkit",
    promise: "fa-check-square-o",
    call: "fa-phone",
    todo: "fa-check",
    visit: "fa-calendar",
    message: "fa-paper-plane-o",
    refused: "fa-ban",
};
const THEMES = {
    orders: ["order", "refund"],
    member: ["points", "tier", "benefit"],
    service: ["ticket", "answer", "score", "care", "goodwill"],
    people: ["call", "todo", "visit", "promise"],
    messages: ["message", "refused"],
};

/** All that happened with the customer of a form, the latest first. */
class Timeline extends Component {
    static template = "hstyle_crm.Timeline";
    static props = {...standardWidgetProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.field = useService("field");
        this.keepLast = new KeepLast();
        this.state = useState({theme: "", rows: null, counts: {}});
        // The form waits for nothing here. What one does in it reads the face anew.
        useRecordObserver((record) => {
            const customer = record.data.commercial_partner_id;
            if (record.resId && customer && record.data.hstyle_face !== undefined) {
                this.customerId = customer.id;
                this.load();
            }
        });
    }

    get themes() {
        const labels = {
            orders: _t("Orders"),
            member: _t("Points and tier"),
            service: _t("Service"),
            people: _t("Calls, visits, promises"),
            messages: _t("Messages"),
        };
        return Object.entries(labels)
            .map(([key, label]) => ({key, label, count: this.count(THEMES[key])}))
            .filter((theme) => theme.count);
    }

    get total() {
        return this.count(Object.values(THEMES).flat());
    }

    /** What the pills say there is more of than is shown. */
    get left() {
        const kinds = THEMES[this.state.theme];
        return (kinds ? this.count(kinds) : this.total) - this.state.rows.length;
    }

    count(kinds) {
        return kinds.reduce((sum, kind) => sum + (this.state.counts[kind] || 0), 0);
    }

    domain(theme) {
        const mine = [["partner_id", "=", this.customerId]];
        return theme ? [...mine, ["kind", "in", THEMES[theme]]] : mine;
    }

    async load() {
        const [labels, groups, rows] = await this.keepLast.add(
            Promise.all([
                this.field.loadFields(MODEL, {fieldNames: ["kind", "channel"]}),
                this.orm.formattedReadGroup(
                    MODEL,
                    this.domain(""),
                    ["kind"],
                    ["__count"],
                ),
                this.read(this.state.theme, 0),
            ]),
        );
        this.labels = Object.fromEntries(
            Object.entries(labels).map(([name, field]) => [
                name,
                Object.fromEntries(field.selection),
            ]),
        );
        this.state.counts = Object.fromEntries(
            groups.map((group) => [group.kind, group.__count]),
        );
        this.state.rows = rows;
    }

    async read(theme, offset) {
        const {records} = await this.orm.webSearchRead(MODEL, this.domain(theme), {
            specification: SPECIFICATION,
            limit: PAGE,
            offset,
            count_limit: 1,
        });
        return records.map((row) => this.prepare(row));
    }

    prepare(row) {
        const moment = deserializeDateTime(row.date);
        return {
            ...row,
            icon: ICONS[row.kind],
            day: formatDate(moment),
            isAhead: moment > luxon.DateTime.now(),
        };
    }

    /** What stands at the end of a row: what it was worth. */
    worth(row) {
        if (row.points) {
            const sign = row.points > 0 ? "+" : "";
            return `${sign}${formatFloat(row.points, {trailingZeros: false})}`;
        }
        if (row.amount) {
            return formatMonetary(row.amount, {currencyId: row.currency_id.id});
        }
        return "";
    }

    where(row) {
        return [
            row.shop_id?.display_name,
            this.labels.channel[row.channel],
            row.user_id?.display_name,
        ]
            .filter(Boolean)
            .join(" · ");
    }

    async choose(theme) {
        this.state.theme = theme;
        this.state.rows = await this.keepLast.add(this.read(theme, 0));
    }

    async more() {
        const {theme, rows} = this.state;
        const next = await this.keepLast.add(this.read(theme, rows.length));
        this.state.rows = [...rows, ...next];
    }

    open(row) {
        if (row.res_id) {
            this.call(MODEL, row.id, "action_open");
        }
    }

    openAll() {
        this.call("res.partner", this.props.record.resId, "action_hstyle_timeline");
    }

    call(resModel, resId, name) {
        return this.action.doActionButton({type: "object", name, resModel, resId});
    }
}

registry.category("view_widgets").add("hstyle_timeline", {
    component: Timeline,
    fieldDependencies: [
        {name: "commercial_partner_id", type: "many2one"},
        {name: "hstyle_face", type: "json"},
    ],
});
