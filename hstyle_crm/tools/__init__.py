from . import later, ledger, rfm, sheets
