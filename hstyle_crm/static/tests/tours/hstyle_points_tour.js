import {registry} from "@web/core/registry";

/** A service agent says sorry with points, from the customer's card. */
registry.category("web_tour.tours").add("hstyle_points_adjust_tour", {
    steps: () => [
        {
            trigger: ".o_data_row:contains(Mei) .o_data_cell:contains(Mei)",
            run: "click",
        },
        {
            trigger: ".o_form_view button[name=action_adjust_points]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=points] input",
            run: "edit 30",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] textarea",
            run: "edit Late parcel",
        },
        {
            trigger: ".modal button[name=action_confirm]",
            run: "click",
        },
        {
            content: "The card shows the new row and the new balance.",
            trigger: ".o_form_view .o_data_row:contains(Late parcel):contains(30.00)",
        },
        {
            trigger: ".o_field_widget[name=points]:contains(530.00)",
        },
    ],
});

/** A salesperson lets the customer choose how many points to spend. */
registry.category("web_tour.tours").add("hstyle_points_spend_tour", {
    steps: () => [
        {
            trigger: "button[name=action_open_reward_wizard]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=selected_reward_id] input",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=points_wanted] input",
            run: "edit 40",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            trigger:
                ".o_form_view:not(:has(.modal)) .oe_subtotal_footer:contains(60.00)",
        },
        {
            trigger: "button[name=action_confirm]",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains(Sales Order)",
        },
    ],
});
