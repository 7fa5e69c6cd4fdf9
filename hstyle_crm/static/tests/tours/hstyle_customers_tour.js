import {registry} from "@web/core/registry";

/** A service agent finds a customer on the board, and others on the RFM map. */
registry.category("web_tour.tours").add("hstyle_customers_tour", {
    steps: () => [
        {
            trigger: ".o_kanban_group:contains(Active) .o_kanban_record:contains(Mei)",
            run: "click",
        },
        {
            content: "The customer's form says who this is, and opens on the timeline.",
            trigger: ".o_form_view .o_hstyle_tile[data-key=value]",
        },
        {
            trigger: ".o_hstyle_timeline_row[data-kind=order]",
        },
        {
            trigger: ".o_notebook a[name=hstyle_profile]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_hstyle_profile_card:contains(Altogether)",
        },
        {
            trigger: "button[name=action_hstyle_purchases]",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Shop order):contains(Mei)",
        },
        {
            trigger:
                ".o_main_navbar button[title=Analyse], .o_main_navbar button:contains(Analyse)",
            run: "click",
        },
        {
            trigger: ".dropdown-item:contains(RFM map)",
            run: "click",
        },
        {
            trigger: ".o_hstyle_rfm_map button:contains(Net revenue)",
            run: "click",
        },
        {
            content: "A field of the map lists its customers.",
            trigger: ".o_hstyle_rfm_table td button:contains(300)",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Mei)",
        },
        {
            trigger: ".o_data_row:contains(Mei) .o_hstyle_card_button",
            run: "click",
        },
        {
            content: "The card says who this is, without leaving the list.",
            trigger: ".o_hstyle_face_popover .o_hstyle_tile[data-key=value]",
        },
    ],
});
