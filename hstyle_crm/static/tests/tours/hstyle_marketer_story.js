import {registry} from "@web/core/registry";
import {speaks} from "./story_utils";

/** A marketer makes a campaign of a segment, and leaves some of it alone. */
registry.category("web_tour.tours").add("hstyle_marketer_launch_story", {
    steps: () => [
        speaks(".o_menu_sections"),
        {
            trigger: "button[name=action_campaign]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=hstyle_holdout] input",
            run: "edit 15",
        },
        {
            trigger: "button[name=action_hstyle_estimate]",
            run: "click",
        },
        {
            content: "How many they are, and what they can show.",
            trigger: ".o_field_widget[name=hstyle_preview]:contains(400)",
        },
        speaks(".o_field_widget[name=hstyle_preview]"),
        {
            trigger: "button[name=action_hstyle_launch]",
            run: "click",
        },
        {
            trigger: ".modal .modal-footer .btn-primary",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current[data-value=launched]",
        },
        {
            trigger: "button[name=action_hstyle_members]:contains(400)",
        },
    ],
});

/** Later the marketer reads whether it was worth it. */
registry.category("web_tour.tours").add("hstyle_marketer_result_story", {
    steps: () => [
        {
            trigger: "button[name=action_hstyle_measure]",
            run: "click",
        },
        {
            trigger: ".nav-link[name=result]",
            run: "click",
        },
        {
            content: "It says that the difference is no chance.",
            trigger:
                ".alert-success .o_field_widget[name=hstyle_result]:contains(/\\d/)",
        },
        speaks(".alert-success .o_field_widget[name=hstyle_result]"),
        {
            content: "Treated and control stand side by side.",
            trigger:
                ".o_field_widget[name=hstyle_response_ids] .o_data_row:nth-child(2)",
        },
        {
            trigger:
                ".o_field_widget[name=hstyle_effect_ids] .o_data_row.text-success [name=difference]",
        },
    ],
});
