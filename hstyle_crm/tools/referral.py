"""Whether a referral counts: what is known of two people, and what follows from it.

Nothing here knows of a database: `judge` compares what the caller has read.
"""

import re
import unicodedata
from dataclasses import dataclass

#: Reasons that end a referral, the gravest first; a person may still approve it.
REJECTING = (
    "self",
    "phone",
    "email",
    "employee",
    "agent_account",
    "customer",
    "known",
)
#: Reasons for which a person has a look: room-mates share an address, too.
REVIEWING = ("address", "name", "velocity", "refunds")

#: Friends with orders from whom on a pattern is seen, and its share that is refunded.
PATTERN_FROM = 3
PATTERN_SHARE = 0.5


@dataclass(frozen=True)
class Person:
    """What tells one customer from another.

    :param id: the commercial partner's id
    :param names, phones, emails, addresses: of the customer and all of its addresses;
        an address is (street, zip, city)
    """

    id: int
    names: tuple = ()
    phones: tuple = ()
    emails: tuple = ()
    addresses: tuple = ()


@dataclass(frozen=True)
class History:
    """What happened before.

    :param bool employee: the friend works for us
    :param bool agent_account: the friend is an agent
    :param bool customer: the friend bought before the first touch
    :param bool known: somebody with the friend's phone or e-mail did
    :param int recent: friends whom the referrer brought in the last 24 hours
    :param int velocity: so many a day are usual
    :param int ordering: friends of the referrer who ordered
    :param int refunded: those of them who kept nothing
    """

    employee: bool = False
    agent_account: bool = False
    customer: bool = False
    known: bool = False
    recent: int = 0
    velocity: int = 10
    ordering: int = 0
    refunded: int = 0


def fold(text):
    """Return a name or a street without case, width, spaces and punctuation."""
    text = unicodedata.normalize("NFKC", text or "").casefold()
    return re.sub(r"[\W_]+", "", text)


def fold_phone(phone):
    """Return the last ten digits: with and without the country they are the same."""
    return re.sub(r"\D", "", phone)[-10:]


def fold_email(email):
    """Return the mailbox that an address means: without case, tag, and Gmail's dots."""
    box, _at, domain = (email or "").strip().casefold().rpartition("@")
    box = box.partition("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        box, domain = box.replace(".", ""), "gmail.com"
    return f"{box}@{domain}" if box and domain else ""


def fold_address(address):
    """Return a street and town to compare; nothing without a street."""
    street, code, city = (fold(part) for part in address)
    return (street, code or city) if street else ()


def judge(referrer, friend, history):
    """Return the reasons against a referral, the gravest first; none: it counts.

    :param Person referrer: who brought the friend
    :param Person friend: with the addresses to which the friend orders
    """
    found = {
        "self": referrer.id == friend.id,
        "phone": _share(referrer.phones, friend.phones, fold_phone),
        "email": _share(referrer.emails, friend.emails, fold_email),
        "employee": history.employee,
        "agent_account": history.agent_account,
        "customer": history.customer,
        "known": history.known,
        "address": _share(referrer.addresses, friend.addresses, fold_address),
        "name": _share(referrer.names, friend.names, fold),
        "velocity": history.recent >= history.velocity,
        "refunds": history.ordering >= PATTERN_FROM
        and history.refunded >= PATTERN_SHARE * history.ordering,
    }
    return [reason for reason in REJECTING + REVIEWING if found[reason]]


def get_state(reasons):
    """Return the state of a referral with such reasons against it."""
    if not reasons:
        return "referred"
    return "rejected" if reasons[0] in REJECTING else "review"


def _share(ours, theirs, form):
    """Tell whether two people have something in common, in a form to compare."""
    ours, theirs = (
        set(filter(None, map(form, filter(None, values)))) for values in (ours, theirs)
    )
    return not ours.isdisjoint(theirs)
