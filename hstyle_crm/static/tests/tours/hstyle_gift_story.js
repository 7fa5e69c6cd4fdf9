import {registry} from "@web/core/registry";
import {speaks} from "./story_utils";

/** A campus agent hands out a birthday gift and lets the classmate sign. */
registry.category("web_tour.tours").add("hstyle_gift_story", {
    steps: () => [
        speaks("#wrap"),
        {
            trigger: "a[href$='/my/agent/birthdays']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Whose birthday it is, and where to go.",
            trigger: ".row .border:contains(Wei):contains(Room 12)",
        },
        {
            trigger: "form[action*='/my/agent/gifts/'] input[name=receiver]",
            run: "edit Wei",
        },
        {
            trigger: "form[action*='/my/agent/gifts/'] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".alert-success",
        },
        speaks(".alert-success"),
        {
            content: "Nothing is left to hand out, and one pack less is there.",
            trigger:
                "#wrap:not(:has(form[action*='/my/agent/gifts/'])) .badge:contains(Sweets)",
        },
    ],
});
