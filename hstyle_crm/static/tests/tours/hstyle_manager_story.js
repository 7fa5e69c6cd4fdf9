import {registry} from "@web/core/registry";
import {openMenu, speaks} from "./story_utils";

/** Switch to the picture of what a pivot shows, and wait for it. */
function draw(model) {
    return [
        {
            trigger: ".o_switch_view.o_graph",
            run: "click",
        },
        {
            content: `The figures of ${model} are drawn.`,
            trigger: ".o_graph_renderer:not(:has(.o_view_nocontent)) canvas",
        },
    ];
}

/** A manager reads what members bring, what points are owed, and how service is. */
registry.category("web_tour.tours").add("hstyle_manager_story", {
    steps: () => [
        speaks(".o_menu_sections"),
        {
            content: "What members bring.",
            trigger: ".o_pivot .o_pivot_cell_value:contains(/1,?200/)",
        },
        speaks(".o_pivot thead"),
        ...draw("members"),
        ...openMenu("hstyle_crm_menu_analyse", "hstyle_points_liability_menu"),
        {
            trigger: ".o_pivot .o_pivot_cell_value:contains(/1,?240/)",
        },
        ...draw("points"),
        ...openMenu("hstyle_crm_menu_service", "hstyle_ticket_report_menu"),
        {
            trigger: ".o_pivot .o_pivot_cell_value",
        },
        ...draw("tickets"),
        ...openMenu("hstyle_crm_menu_service", "hstyle_goodwill_menu_report"),
        {
            trigger: ".o_pivot .o_pivot_cell_value:contains(20)",
        },
        ...draw("goodwill"),
    ],
});
