from odoo.exceptions import ConcurrencyError, UserError


class TryAgainError(UserError, ConcurrencyError):
    """Somebody else changed the same points or membership; nothing was done.

    The host repeats a request up to five times; what is left is told to the user.
    """
