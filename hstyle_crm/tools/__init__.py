from . import rfm, sheets
