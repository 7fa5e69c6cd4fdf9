import {registry} from "@web/core/registry";
import {inputFiles} from "@web/../tests/utils";

const SHEET = `order number,line,date,buyer,buyer name,what,paid
T1,1,2026-03-01 10:00:00,mei,Mei,Dress,100.00
T2,1,2026-03-02 10:00:00,lan,Lan,Skirt,eighty`;

/** A clerk imports a shop's sheet, says what a column means, sees what was wrong. */
registry.category("web_tour.tours").add("hstyle_import_tour", {
    steps: () => [
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
                const file = new File([SHEET], "orders.csv", {type: "text/csv"});
                await inputFiles(".o_field_widget[name=file] input[type=file]", [file]);
            },
        },
        {
            content: "The sheet's columns are guessed.",
            trigger:
                ".o_data_row:contains(buyer name):contains(Mei):contains(Buyer name)",
        },
        {
            trigger: "button[name=action_import]",
            run: "click",
        },
        {
            content: "The wrong row is shown with its reason.",
            trigger: ".o_data_row:contains(T2):contains(is not a number)",
        },
        {
            trigger: ".o_arrow_button_current:contains(Done)",
        },
        {
            trigger: ".o_field_widget[name=created_count]:contains(1)",
        },
    ],
});
