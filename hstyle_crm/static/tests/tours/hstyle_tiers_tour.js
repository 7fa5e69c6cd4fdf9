import {registry} from "@web/core/registry";

/** A service agent finds a member on the board and counts a free return. */
registry.category("web_tour.tours").add("hstyle_benefit_tour", {
    steps: () => [
        {
            content: "The board says what the member is missing.",
            trigger: ".o_kanban_record:contains(Mei):contains(more until Platinum)",
            run: "click",
        },
        {
            trigger: ".o_form_view .nav-link:contains(Membership)",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Free return):contains(2 of 2) button",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Free return):contains(1 of 2)",
        },
    ],
});

/** A manager tries a draft of the rules and puts it to work. */
registry.category("web_tour.tours").add("hstyle_tier_trial_tour", {
    steps: () => [
        {
            trigger: ".o_data_row:contains(Gold) .o_data_cell:contains(Gold)",
            run: "click",
        },
        {
            trigger: "button[name=action_draft_rules]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Draft):contains(To enter) [name=threshold]",
            run: "click",
        },
        {
            trigger: ".o_data_row.o_selected_row [name=threshold] input",
            run: "edit 1500 && press Enter",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: "button[name=action_try]",
            run: "click",
        },
        {
            content: "One customer would stay.",
            trigger: ".modal .o_data_row:contains(Gold)",
        },
        {
            trigger: ".modal button[name=action_activate]",
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary:contains(Ok)",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(The rules decide)",
        },
    ],
});
