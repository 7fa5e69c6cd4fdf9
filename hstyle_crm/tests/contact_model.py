"""Who may be written to, in plain Python, and random worlds of persons and messages.

Written from the issue ("The contact gate"), DESIGN.md and the help of the settings, and
kept apart from the SQL of the gate, which it judges. Times are UTC without a zone.
"""

from dataclasses import dataclass, field
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

CHANNELS = ("email", "sms", "phone")
PURPOSES = ("marketing", "membership", "service")
DAY = timedelta(days=1)

#: Zones of many kinds: by half hours, over the date line, with and without summer time.
ZONES = (
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Lisbon",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "America/Sao_Paulo",
    "UTC",
)


@dataclass
class Firm:
    """A company with its rules; quiet hours are minutes of the day."""

    number: int
    tz: str
    opt_in: bool = True
    cap: int = 4
    quiet: tuple = (21 * 60, 9 * 60)

    def get_day(self, moment):
        """Return the company's day of a moment."""
        return to_local(moment, self.tz).date()


@dataclass(eq=False)
class Person:
    """A customer, what was said by them, and what was sent to them."""

    number: int
    active: bool
    email: str | None
    phone: str | None
    tz: str | None
    bounces: int
    wish: int
    preferred: str | None
    #: (moment, order, firm, channel, purpose, given)
    words: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    #: Firms with which an open ticket is, one for each ticket.
    tickets: list = field(default_factory=list)

    def get_word(self, firm, channel, purpose):
        """Return the latest word: True, False, or None where nothing was said."""
        said = [
            (moment, order, given)
            for moment, order, *about, given in self.words
            if about == [firm.number, channel, purpose]
        ]
        return max(said)[2] if said else None


@dataclass(eq=False)
class Row:
    """What the log must hold of a decision."""

    firm: int
    channel: str
    purpose: str
    state: str
    reason: str | None
    what: str | None
    key: str | None
    date: object
    day: object
    campaign: int | None = None


@dataclass
class Message:
    """Something in a queue for a person."""

    key: str
    person: Person
    firm: Firm
    channel: str
    purpose: str
    what: str
    campaign: int | None = None

    @property
    def kind(self):
        """Return what messages have in common that are judged together."""
        return self.channel, self.purpose, self.firm.number


def to_local(moment, tz):
    """Return a moment by the clocks of a place."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(tz))


def is_quiet(person, firm, now):
    """Tell if it is night where the person lives, as the company counts nights."""
    local = to_local(now, person.tz or firm.tz)
    minute = local.hour * 60 + local.minute
    start, end = firm.quiet
    if start <= end:
        return start <= minute < end
    return minute >= start or minute < end


class World:
    """Persons, addresses that nobody may use, and decisions."""

    def __init__(self, persons, blocked):
        self.persons, self.blocked = persons, blocked

    # === VERDICTS === #

    def judge(self, person, channel, purpose, firm, now):
        """Return the reason not to write to a person now, or None."""
        if not person.active:
            return "archived"
        if reason := self._judge_address(person, channel, purpose):
            return reason
        word = person.get_word(firm, channel, purpose)
        if word is False:
            return "withdrawn"
        if purpose == "marketing":
            if word is None and firm.opt_in:
                return "no_consent"
            if firm.number in person.tickets:
                return "ticket"
            if reason := self._judge_frequency(person, firm, now):
                return reason
        if purpose != "service" and is_quiet(person, firm, now):
            return "quiet"
        return None

    def _judge_address(self, person, channel, purpose):
        address = person.email if channel == "email" else person.phone
        if not address:
            return "no_address"
        if channel == "email" and person.bounces >= 3:
            return "bounced"
        if purpose != "service" and address in self.blocked:
            return "blacklisted"
        return None

    def _judge_frequency(self, person, firm, now):
        today = firm.get_day(now)
        days = [
            row.day
            for row in person.rows
            if (row.firm, row.state, row.purpose) == (firm.number, "sent", "marketing")
        ]
        if today in days:
            return "today"
        # Thirty days with today.
        recent = [day for day in days if timedelta(0) <= today - day < 30 * DAY]
        cap = min(firm.cap, person.wish) if person.wish else firm.cap
        return "cap" if len(recent) >= cap else None

    # === DECISIONS === #

    def filter(self, persons, channel, purpose, firm, now, what):
        """Return who may be prepared for; note the others."""
        kept = []
        for person in persons:
            reason = self.judge(person, channel, purpose, firm, now)
            if reason in (None, "quiet"):
                kept.append(person)
            else:
                self._note(person, channel, purpose, firm, now, reason, what)
        return kept

    def route(self, persons, ways, purpose, firm, now, what):
        """Return person → way, and person → reason where there is none."""
        routes, reasons = {}, {}
        for person in persons:
            own = [way for way in ways if way == person.preferred]
            own += [way for way in ways if way != person.preferred]
            found = [self.judge(person, way, purpose, firm, now) for way in own]
            open_ways = [
                way
                for way, reason in zip(own, found, strict=True)
                if reason in (None, "quiet")
            ]
            if open_ways:
                routes[person] = open_ways[0]
                continue
            reasons[person] = found[0]
            # It is asked again tomorrow.
            if found[0] != "today":
                self._note(person, ways[0], purpose, firm, now, found[0], what)
        return routes, reasons

    def decide(self, messages, now):
        """Return key → reason of those that are kept back, and note each decision.

        A message that comes again is judged again, as if it had not come before.
        """
        for message in messages:
            self._forget(message.person, message.key)
        kinds = list(dict.fromkeys(message.kind for message in messages))
        refusals = {}
        for message in sorted(messages, key=lambda m: kinds.index(m.kind)):
            reason = self._decide(message, now)
            if reason:
                refusals[message.key] = reason
        return refusals

    def _forget(self, person, key):
        for row in [row for row in person.rows if row.key == key]:
            if row.state == "refused":
                row.key = None
            else:
                person.rows.remove(row)

    def _decide(self, message, now):
        person, firm = message.person, message.firm
        kind = message.channel, message.purpose
        reason = self.judge(person, *kind, firm, now)
        state = {None: "sent", "quiet": "waiting"}.get(reason, "refused")
        row = Row(
            firm.number,
            *kind,
            state,
            reason,
            message.what,
            message.key,
            now,
            firm.get_day(now),
            message.campaign,
        )
        person.rows.append(row)
        return reason

    def _note(self, person, channel, purpose, firm, now, reason, what):
        day = firm.get_day(now)
        kind = channel, purpose
        row = Row(firm.number, *kind, "refused", reason, what, None, now, day)
        person.rows.append(row)

    def merge(self, target, source):
        """Give a person all that another said and got."""
        target.words += source.words
        target.rows += source.rows
        target.tickets += source.tickets
        self.persons.remove(source)


# === RANDOM WORLDS === #


def draw_minutes(chance):
    """Return quiet hours: over midnight, within a day, from midnight on, or none."""
    start, end = (chance.choice(range(0, 24 * 60, 5)) for _border in range(2))
    return chance.choice([(1260, 540), (start, end), (0, end), (start, start)])


def draw_person(chance, number):
    """Return a person whose address may be shared, blocked, missing or worn out."""
    shared = chance.randrange(number + 1)
    return Person(
        number=number,
        active=chance.random() < 0.95,
        email=chance.choice([f"p{number}@x.cn"] * 8 + [f"p{shared}@x.cn", None]),
        phone=chance.choice([f"+86{number:011}"] * 8 + [f"+86{shared:011}", None]),
        tz=chance.choice((*ZONES, None, "")),
        bounces=chance.choice((0, 0, 0, 0, 0, 1, 2, 3, 4)),
        wish=chance.choice((0, 0, 0, 1, 2, 3, 9)),
        preferred=chance.choice((None, *CHANNELS)),
    )


def draw_word(chance, persons):
    """Return (firm's number, channel, purpose, given, the persons who say so)."""
    return (
        chance.randrange(2),
        chance.choice(CHANNELS),
        chance.choice(("marketing", "marketing", *PURPOSES)),
        chance.random() < 0.7,
        chance.sample(persons, min(len(persons), chance.randint(1, 40))),
    )
