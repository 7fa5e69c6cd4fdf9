"""A stable draw of a person: the same today, tomorrow, in Python and in SQL.

Who is drawn depends on a salt and on the person's id alone, so that nobody's draw
changes when others join, leave or are merged into one.
"""

import hashlib

#: Draws are whole numbers below this: a hundredth of a percent each.
RANGE = 10_000

#: SQL of `draw`, for the salt and the id. Eight hexadecimal digits are 32 bits without
#: a sign; the remainder prefers no draw by more than one in 400,000.
DRAW = "(('x' || substr(md5(%s || ':' || %s), 1, 8))::bit(32)::bigint %% 10000)"


def draw(salt, person_id):
    """Return a person's draw, from 0 to 9999, each as likely as the others."""
    text = f"{salt}:{person_id}".encode()
    return int(hashlib.md5(text, usedforsecurity=False).hexdigest()[:8], 16) % RANGE
