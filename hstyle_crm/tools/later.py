"""The word by which our own flows tell the points to wait until they are settled.

It is made anew in each process, so that nobody can say it in a call from outside.
"""

import secrets

_WORD = secrets.token_hex(16)
#: The context of the host's flows, whose writes of points are dropped.
SETTLE_LATER = {"points_settle_later": _WORD}


def settles_later(env):
    """Tell whether the caller settles the points when the host is done."""
    return env.context.get("points_settle_later") == _WORD
