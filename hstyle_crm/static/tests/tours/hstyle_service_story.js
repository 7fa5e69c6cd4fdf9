import {registry} from "@web/core/registry";
import {speaks} from "./story_utils";

/** The phone rings: who is it, what is wrong, and something to make up for it. */
registry.category("web_tour.tours").add("hstyle_service_story", {
    steps: () => [
        speaks(".o_menu_sections"),
        {
            trigger: ".o_field_widget[name=number] input",
            run: "edit 13800138000 && press Tab",
        },
        {
            content: "The number says who calls.",
            trigger: ".o_field_widget[name=partner_id] input:value(Mei)",
        },
        {
            trigger: ".o_field_widget[name=points]:contains(500)",
        },
        {
            trigger: "button[name=action_open_ticket]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=name] input",
            run: "edit Parcel is late",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "Give goodwill",
            trigger: ".o_form_saved .o_form_statusbar button[type=action]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=amount] input",
            run: "edit 20",
        },
        {
            trigger: ".modal .o_field_widget[name=reason_id] input",
            run: "click",
        },
        {
            trigger:
                ".o-autocomplete--dropdown-menu:not(:has(.fa-spin)) .o-autocomplete--dropdown-item:first a",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason_id] input:value(/./)",
        },
        {
            trigger: ".modal button[name=action_confirm]",
            run: "click",
        },
        {
            content: "It is said what was given.",
            trigger: ".o_notification:contains(20)",
        },
        speaks(".o_notification"),
        {
            trigger: "body:not(:has(.modal)) button[name=action_goodwill]:contains(1)",
        },
    ],
});
