import {inputFiles} from "@web/../tests/utils";
import {registry} from "@web/core/registry";
import {openMenu, speaks} from "./story_utils";

const HEADER = "订单编号,订单付款时间,买家会员名,收货人姓名,宝贝标题,买家实际支付金额";

function writeSheet() {
    const day = new Date(Date.now() - 9 * 86400e3).toISOString().slice(0, 10);
    const rows = [
        `S1,${day} 10:00:00,mei,Mei,连衣裙,700.00`,
        `S2,${day} 11:00:00,mei,Mei,半身裙,600.00`,
        `S3,${day} 12:00:00,lan,Lan,外套,eighty`,
    ];
    return new File([[HEADER, ...rows].join("\n")], "tmall.csv", {type: "text/csv"});
}

/** A clerk imports what the platform exported, as it is. */
registry.category("web_tour.tours").add("hstyle_clerk_import_story", {
    steps: () => [
        speaks(".o_menu_sections"),
        {
            trigger: ".o_field_widget[name=shop_id] input",
            run: "edit Tmall flagship",
        },
        {
            trigger: ".dropdown-item:contains(Tmall flagship)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=file] .o_select_file_button",
            run: async () => {
                const input = ".o_field_widget[name=file] input[type=file]";
                await inputFiles(input, [writeSheet()]);
            },
        },
        {
            content: "Each column of the platform is known.",
            trigger:
                ".o_field_widget[name=column_ids]:not(:has(.text-muted.o_data_row)) .o_data_row:nth-child(6)",
        },
        {
            trigger: "button[name=action_import]",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current[data-value=done]",
        },
        {
            content: "The wrong order is named, with its reason.",
            trigger:
                ".o_field_widget[name=rejected_ids] .o_data_row:contains(S3) [name=paid]:contains(eighty)",
        },
        speaks(".o_field_widget[name=rejected_ids] [name=error]"),
    ],
});

/** The customer asks why: the clerk finds the member and reads it out. */
registry.category("web_tour.tours").add("hstyle_clerk_tier_story", {
    steps: () => [
        speaks(".o_menu_sections"),
        ...openMenu("hstyle_crm_menu_operate", "hstyle_membership_menu"),
        {
            trigger: ".o_kanban_group .o_kanban_record:contains(Mei)",
            run: "click",
        },
        {
            trigger: ".o_form_view .nav-link[name=hstyle_membership]",
            run: "click",
        },
        {
            content: "Why: what counted, and what the rule asks for.",
            trigger:
                ".o_field_widget[name=hstyle_tier_move_ids] .o_data_row [name=figures_text]:contains(/1,?300/)",
        },
        {
            trigger: ".o_field_widget[name=tier_rule_text]:contains(/1,?000/)",
        },
        {
            content: "What is missing to the next tier.",
            trigger: ".o_field_widget[name=tier_next_text]:contains(/1,?700/)",
        },
        speaks(".o_field_widget[name=tier_rule_text]"),
    ],
});
