import {Component, onWillStart} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {usePopover} from "@web/core/popover/popover_hook";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";

/** Who a customer is: tiles of a few words each; some lead on. */
export class Face extends Component {
    static template = "hstyle_crm.Face";
    static props = {tiles: Array, partnerId: Number};

    setup() {
        this.action = useService("action");
    }

    open(tile) {
        if (tile.action) {
            this.action.doActionButton({
                type: "object",
                name: tile.action,
                resModel: "res.partner",
                resId: this.props.partnerId,
            });
        }
    }
}

class FaceField extends Component {
    static template = "hstyle_crm.FaceField";
    static components = {Face};
    static props = {...standardFieldProps};
}

registry.category("fields").add("hstyle_face", {
    component: FaceField,
    supportedTypes: ["json"],
});

/** The same as a card beside a row of a list. */
class FacePopover extends Component {
    static template = "hstyle_crm.FacePopover";
    static components = {Face};
    static props = {partnerId: Number, close: Function};

    setup() {
        this.action = useService("action");
        const orm = useService("orm");
        onWillStart(async () => {
            [this.partner] = await orm.read(
                "res.partner",
                [this.props.partnerId],
                ["display_name", "phone", "hstyle_face"],
            );
        });
    }

    open() {
        this.props.close();
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "res.partner",
            res_id: this.props.partnerId,
            views: [[false, "form"]],
        });
    }
}

class CardButton extends Component {
    static template = "hstyle_crm.CardButton";
    static props = {...standardWidgetProps, field: String};

    setup() {
        this.popover = usePopover(FacePopover, {
            popoverClass: "o_hstyle_face_popover",
            position: "right",
        });
    }

    get partnerId() {
        return this.props.record.data[this.props.field]?.id;
    }

    get title() {
        return _t("Who is this?");
    }

    open(ev) {
        this.popover.open(ev.currentTarget, {partnerId: this.partnerId});
    }
}

registry.category("view_widgets").add("hstyle_card", {
    component: CardButton,
    extractProps: ({attrs}) => ({field: attrs.field || "partner_id"}),
});
