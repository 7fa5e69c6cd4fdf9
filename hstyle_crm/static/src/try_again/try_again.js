import {WarningDialog} from "@web/core/errors/error_dialogs";
import {registry} from "@web/core/registry";

// To be told and tried again, not to be reported.
registry
    .category("error_dialogs")
    .add("odoo.addons.hstyle_crm.exceptions.TryAgainError", WarningDialog);
