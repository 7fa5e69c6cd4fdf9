import {Interaction} from "@web/public/interaction";
import {registry} from "@web/core/registry";

/** Copy or share the link that stands in a read-only field. */
export class ReferralShare extends Interaction {
    static selector = ".o_hstyle_share";
    dynamicContent = {
        ".o_hstyle_copy": {"t-on-click": this.copy},
        ".o_hstyle_send": {
            "t-on-click": this.send,
            "t-att-class": () => ({"d-none": !navigator.share}),
        },
        ".o_hstyle_copied": {"t-att-class": () => ({"d-none": !this.copied})},
    };

    setup() {
        this.copied = false;
        this.linkEl = this.el.querySelector("input");
    }

    async copy() {
        this.linkEl.select();
        if (navigator.clipboard) {
            await this.waitFor(navigator.clipboard.writeText(this.linkEl.value));
        } else {
            // Pages that are not served by https have no clipboard.
            document.execCommand("copy");
        }
        this.copied = true;
    }

    async send() {
        const text = this.el.dataset.text;
        try {
            await this.waitFor(navigator.share({text, url: this.linkEl.value}));
        } catch (error) {
            if (error.name !== "AbortError") {
                throw error;
            }
        }
    }
}

registry.category("public.interactions").add("hstyle_crm.share", ReferralShare);
