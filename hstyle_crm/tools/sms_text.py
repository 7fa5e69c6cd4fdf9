"""Texts of SMS: those with numbered gaps that a provider approved, and keywords.

A text is literal but for its gaps {1}, {2} …, each once and no two side by side: so the
leftmost place of each literal finds the gaps' contents, in linear time.
"""

import re
import unicodedata

_GAP = re.compile(r"\{(\d+)\}")

#: What a customer writes → what is meant; compared without case, width and signs.
KEYWORDS = {
    "stop": {
        "td", "t", "r", "n", "qx", "ttd", "tdtd", "stop", "stopall", "unsubscribe",
        "end", "quit", "退订", "退", "拒收", "取消订阅",
    },
    "start": {"start", "unstop", "subscribe", "恢复", "恢复订阅", "订阅"},
    "balance": {"jf", "积分", "查积分", "积分查询", "查询积分", "points", "balance"},
}  # fmt: skip
#: Found anywhere in a message, they mean a refusal: rather one too many.
_REFUSALS = ("退订", "拒收", "unsubscribe")


def cut(text):
    """Return a text's literals and, between them, its gaps' numbers."""
    parts = _GAP.split(squeeze(text))
    return parts[::2], [int(number) for number in parts[1::2]]


def squeeze(text):
    """Return a text with each run of white space as one space."""
    return " ".join((text or "").split())


def is_valid(text):
    """Tell whether the gaps are 1 to n, each once, and none side by side."""
    literals, numbers = cut(text)
    apart = all(literal.strip() for literal in literals[1:-1])
    return apart and sorted(numbers) == list(range(1, len(numbers) + 1))


def fill(text, values):
    """Return a text with values in its gaps."""
    return _GAP.sub(lambda gap: str(values[int(gap[1]) - 1]), text)


def match(text, body):
    """Return the contents of the gaps in their numbers' order, or None."""
    (first, *rest), numbers = cut(text)
    body = squeeze(body)
    if not rest:
        return [] if body == first else None
    if not body.startswith(first):
        return None
    contents, start = [], len(first)
    for literal in rest[:-1]:
        found = body.find(literal, start)
        if found < 0:
            return None
        contents.append(body[start:found])
        start = found + len(literal)
    end = len(body) - len(rest[-1])
    if end < start or not body.endswith(rest[-1]):
        return None
    contents.append(body[start:end])
    return [content for _, content in sorted(zip(numbers, contents, strict=True))]


def find(texts, body):
    """Return (template, contents of its gaps) of {template: text}, or ("", ()).

    Of several texts the one that leaves the least to its gaps is meant.
    """
    contents = {template: match(text, body) for template, text in texts.items()}
    found = [
        (sum(map(len, parts)), template, tuple(parts))
        for template, parts in contents.items()
        if parts is not None
    ]
    return min(found)[1:] if found else ("", ())


def get_keyword(text):
    """Return "stop", "start", "balance", or "message" for any other text."""
    plain = unicodedata.normalize("NFKC", text or "").casefold()
    word = "".join(letter for letter in plain if letter.isalnum())
    if any(refusal in plain for refusal in _REFUSALS):
        return "stop"
    kinds = (kind for kind, words in KEYWORDS.items() if word in words)
    return next(kinds, "message")
