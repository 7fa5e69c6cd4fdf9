import {cookie} from "@web/core/browser/cookie";

const CHINESE = /\p{Script=Han}/u;

/** The page speaks the reader's language, which the test says by the host's cookie. */
export function speaks(trigger) {
    return {
        content: "The page speaks the reader's language",
        trigger,
        run({anchor}) {
            const language = cookie.get("frontend_lang");
            if (CHINESE.test(anchor.textContent) !== (language === "zh_CN")) {
                throw new Error(`Not in ${language}: ${anchor.textContent}`);
            }
        },
    };
}

/** Open a menu of ours, by the names of the section and of its entry. */
export function openMenu(section, entry) {
    return [
        {
            trigger: `.o_menu_sections [data-menu-xmlid='hstyle_crm.${section}']`,
            run: "click",
        },
        {
            trigger: `.o-dropdown--menu [data-menu-xmlid='hstyle_crm.${entry}']`,
            run: "click",
        },
    ];
}
