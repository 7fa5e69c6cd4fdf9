from . import clv, later, ledger, rfm, sheets
