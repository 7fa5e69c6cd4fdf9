import {registry} from "@web/core/registry";
import {speaks} from "./story_utils";

/** A customer looks at the points, then asks about an order. */
registry.category("web_tour.tours").add("hstyle_customer_story", {
    steps: () => [
        speaks("#wrap"),
        {
            trigger: "a[href$='/my/points']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".display-6:contains(600)",
        },
        {
            content: "Where they come from: a welcome and an order.",
            trigger: "tr:contains(Welcome) .text-end:contains(500)",
        },
        speaks(".o_portal_my_doc_table"),
        {
            trigger: ".o_portal_submenu a[href$='/my/home']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "a[href$='/my/tickets']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "a[href$='/my/tickets/new']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "#ticket_about",
            run: "edit The zip is broken",
        },
        {
            trigger: "form:has(#ticket_about) button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "#ticket_intent",
            run: "selectByIndex 1",
        },
        {
            trigger: "input[type=radio][value^='sale.order-']",
            run: "click",
        },
        {
            trigger: "#ticket_text",
            run: "edit It was new.",
        },
        {
            trigger: "form:has(#ticket_text) button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The page of the ticket says when the answer comes.",
            trigger: "h4:contains(The zip is broken)",
        },
        {
            trigger: ".text-break:contains(It was new.)",
        },
        speaks(".alert-info"),
    ],
});
