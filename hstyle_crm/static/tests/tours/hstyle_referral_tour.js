import {registry} from "@web/core/registry";

const PASSWORD = "Long-enough-1";

/** A friend opens the link of an agent, and signs up. */
registry.category("web_tour.tours").add("hstyle_referral_friend_tour", {
    steps: () => [
        {
            content: "The friend reads who invites, and what it gives",
            trigger: "h2:contains('Mei invites you')",
        },
        {
            content: "Signs up",
            trigger: "#hstyle_invitation_actions a:contains('Sign up')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".oe_signup_form input[name=login]",
            run: "edit xia@example.com",
        },
        {trigger: ".oe_signup_form input[name=name]", run: "edit Xia Zhou"},
        {trigger: ".oe_signup_form input[name=password]", run: `edit ${PASSWORD}`},
        {
            trigger: ".oe_signup_form input[name=confirm_password]",
            run: `edit ${PASSWORD}`,
        },
        {
            trigger: ".oe_signup_form button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "And is in the portal",
            trigger: "a:contains('Your Orders'), .o_portal",
        },
    ],
});

/** The agent sees what became of the friend, but not who it is. */
registry.category("web_tour.tours").add("hstyle_referral_agent_tour", {
    steps: () => [
        {
            content: "The friend's order is on hold",
            trigger: ".list-group-item:contains('On hold until')",
        },
        {trigger: "body:not(:contains('Xia'))"},
        {
            content: "What the order gives waits, too",
            trigger: "a:contains('Your commission so far')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "And the page says until when",
            trigger: ".border:contains('This month so far'):contains('On hold until')",
        },
        {trigger: ".alert:contains('There is no statement yet')"},
    ],
});

/** When the month is over, the agent finds the statement and its bill. */
registry.category("web_tour.tours").add("hstyle_referral_bill_tour", {
    steps: () => [
        {
            trigger: "details[open]:contains('10.00')",
        },
        {
            trigger: "a:contains('Bill')",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The bill opens in the portal",
            trigger: "#portal_invoice, .o_portal_invoice_sidebar, iframe#invoice_html",
        },
    ],
});
