from . import ledger, rfm, sheets
