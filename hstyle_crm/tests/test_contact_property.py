"""Random persons, consents and messages, judged by the gate and a model beside it."""

import json
import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from .common import HstyleCommon
from .contact_model import (
    CHANNELS,
    PURPOSES,
    ZONES,
    Firm,
    Message,
    Row,
    World,
    draw_minutes,
    draw_person,
    draw_word,
)

#: To try others: HSTYLE_SEED=7 ./dev test hstyle_crm/tests/test_contact_property.py
SEED = int(os.environ.get("HSTYLE_SEED", "19"))
PERSONS = int(os.environ.get("HSTYLE_PERSONS", "2500"))
MOMENTS = 10
#: Weeks in which clocks change: in New York, or in Lisbon and on Lord Howe.
STARTS = (datetime(2027, 3, 10), datetime(2027, 10, 27), datetime(2027, 3, 26))
REASONS = (
    "archived",
    "no_address",
    "bounced",
    "blacklisted",
    "withdrawn",
    "no_consent",
    "ticket",
    "today",
    "cap",
    "quiet",
    None,
)

_PERSONS = """
  WITH row AS (
        SELECT nextval('res_partner_id_seq') AS id, *
          FROM jsonb_to_recordset(%s::jsonb) AS row (
               number int, active boolean, email text, phone text, tz text,
               bounces int, wish int, preferred text)
       )
INSERT INTO res_partner
       (id, name, complete_name, ref, active, type, autopost_bills, partner_share,
        commercial_partner_id, email, email_normalized, phone, phone_sanitized, tz,
        message_bounce, offer_cap, preferred_channel)
SELECT id, 'P' || number, 'P' || number, number, active, 'contact', 'ask', TRUE,
       id, email, email, phone, phone, tz, bounces, wish, preferred
  FROM row
RETURNING ref::int, id
"""
_WORDS = """
INSERT INTO hstyle_consent
       (partner_id, company_id, channel, purpose, given, date, source)
SELECT partner_id, company_id, channel, purpose, given, date, 'Test'
  FROM jsonb_to_recordset(%s::jsonb) AS row (
       partner_id int, company_id int, channel text, purpose text, given boolean,
       date timestamp)
"""
_HISTORY = """
INSERT INTO hstyle_contact
       (partner_id, company_id, channel, purpose, state, reason, key, date, day, slot)
SELECT partner_id, company_id, channel, purpose, state, reason, key, date, day,
       CASE WHEN state = 'sent' AND purpose = 'marketing' THEN day END
  FROM jsonb_to_recordset(%s::jsonb) AS row (
       partner_id int, company_id int, channel text, purpose text, state text,
       reason text, key text, date timestamp, day date)
"""
_LOG = SQL(
    """
    SELECT partner_id, company_id, channel, purpose, state, reason, what, key, date,
           day, campaign_id
      FROM hstyle_contact
    """
)


@tagged("post_install", "-at_install")
class TestContactProperty(HstyleCommon):
    """The gate against the model: no verdict and no row of the log differs.

    A failure names the person, the moment and the seed.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.companies = cls.env["res.company"].create(
            [
                {"name": "Shop of Shanghai", "hstyle_tz": "Asia/Shanghai"},
                {"name": "Shop of New York", "hstyle_tz": "America/New_York"},
            ]
        )
        cls.campaigns = cls.env["utm.campaign"].create([{"name": "A"}, {"name": "B"}])
        cls.teams = cls.env["hstyle.ticket.team"].create(
            [{"name": "Service", "company_id": company.id} for company in cls.companies]
        )

    def test_first_world(self):
        self._run(1)

    def test_second_world(self):
        self._run(2)

    def test_third_world(self):
        self._run(3)

    def test_fourth_world(self):
        self._run(4)

    # === THE RUN === #

    def _run(self, number):
        """Let a world live for two weeks, and compare at each moment."""
        self.seed = f"{SEED}:{number}"
        self.random, self.seen = random.Random(self.seed), Counter()
        self.count, self.queue = 0, []
        self.start = self.random.choice(STARTS)
        self._open()
        moments = sorted(self._draw_moment() for _moment in range(MOMENTS))
        for place, now in enumerate(moments):
            with freeze_time(now):
                self._live(now)
                if place % 4 == 2:
                    self._merge_some()
        self._check_log()
        for reason in REASONS:
            self.assertTrue(self.seen["verdict", reason], reason)
            self.assertTrue(self.seen["message", reason], reason)
        self.assertGreater(self.seen["again"], 50)

    def _draw_moment(self):
        """Return a moment, most of them at a border of days, nights or hours."""
        tz = self.random.choice(ZONES)
        day = self.start + timedelta(days=self.random.randrange(14))
        borders = [0, 9 * 60, 21 * 60, 2 * 60, 3 * 60]
        borders += [border for firm in self.firms for border in firm.quiet]
        minute = self.random.choice([*borders, self.random.randrange(1440)])
        local = day + timedelta(minutes=minute)
        moment = local.replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)
        shift = self.random.choice((-60, -1, 0, 0, 1, 60))
        return moment.replace(tzinfo=None) + timedelta(seconds=shift)

    def _live(self, now):
        """Let people speak and a company change its mind; compare all answers."""
        if self.random.random() < 0.3:
            self._change_firm()
        for _word in range(8):
            self._speak(now)
        self._open_tickets(40)
        self._solve_tickets()
        for firm in self.firms:
            for channel in CHANNELS:
                self._check_verdicts(channel, self.random.choice(PURPOSES), firm, now)
        self._check_accepts()
        self._check_filter(now)
        self._check_route(now)
        self._check_gate(now)

    # === THE WORLD === #

    def _open(self):
        self.firms = [
            Firm(place, company.hstyle_tz, quiet=draw_minutes(self.random))
            for place, company in enumerate(self.companies)
        ]
        for firm in self.firms:
            self._write_firm(firm)
        persons = [draw_person(self.random, number) for number in range(PERSONS)]
        blocked = {
            address
            for person in self.random.sample(persons, PERSONS // 10)
            for address in (person.email, person.phone)
            if address
        }
        self.world = World(persons, blocked)
        values = [
            {name: value for name, value in vars(p).items() if name not in _LISTS}
            for p in persons
        ]
        self.env.cr.execute(_PERSONS, [json.dumps(values)])
        self.ids = dict(self.env.cr.fetchall())
        self._block(blocked)
        self._write_words()
        self._write_history()
        self.env.cr.execute("ANALYZE res_partner, hstyle_consent, hstyle_contact")
        self.env.invalidate_all()

    def _block(self, blocked):
        """Put addresses on the blacklists, with some that left them again."""
        mails = {address for address in blocked if "@" in address}
        free = [p for p in self.world.persons if p.email and p.email not in mails]
        values = [{"email": email} for email in mails]
        values += [{"email": e, "active": False} for e in {p.email for p in free[::9]}]
        self.env["mail.blacklist"].create(values)
        phones = blocked - mails
        free = [p for p in self.world.persons if p.phone and p.phone not in phones]
        numbers = {p.phone for p in free[::9]}
        for table, active in ((phones, True), (numbers, False)):
            self.env.cr.execute(
                "INSERT INTO phone_blacklist (number, active)"
                " SELECT unnest(%s), %s ON CONFLICT DO NOTHING",
                [sorted(table), active],
            )

    def _write_words(self):
        rows = []
        for order in range(PERSONS // 4):
            firm, channel, purpose, given, people = draw_word(
                self.random, self.world.persons
            )
            # Some at the same second: the later row counts.
            days = self.random.choice((1, 1, 1, 30, 90))
            moment = self.start - timedelta(days=days)
            for person in people:
                person.words.append((moment, order, firm, channel, purpose, given))
                rows.append(
                    {
                        "partner_id": self.ids[person.number],
                        "company_id": self.companies[firm].id,
                        "channel": channel,
                        "purpose": purpose,
                        "given": given,
                        "date": moment.isoformat(),
                    }
                )
        self.order = PERSONS // 4
        self.env.cr.execute(_WORDS, [json.dumps(rows)])

    def _write_history(self):
        """Let people have got messages before, many of them 30 days ago."""
        rows = []
        for person in self.world.persons:
            taken = set()
            for _message in range(self.random.choice((0, 0, 1, 3, 6))):
                rows += self._draw_past(person, taken)
        self.env.cr.execute(_HISTORY, [json.dumps(rows, default=str)])

    def _draw_past(self, person, taken):
        firm = self.random.choice(self.firms)
        days = self.random.choice((1, 5, 14, 16, 20, 25, 28, 29, 30, 31))
        moment = self.start - timedelta(days=days, minutes=self.random.randrange(1440))
        day = firm.get_day(moment)
        state = self.random.choice(("sent", "sent", "sent", "refused", "waiting"))
        purpose = self.random.choice(("marketing", "marketing", *PURPOSES))
        if (firm.number, day) in taken:
            return []
        taken.add((firm.number, day))
        self.count += 1
        reason = None if state == "sent" else "quiet"
        row = Row(
            firm.number,
            self.random.choice(CHANNELS),
            purpose,
            state,
            reason,
            None,
            f"old:{self.count}",
            moment,
            day,
        )
        person.rows.append(row)
        values = {k: v for k, v in vars(row).items() if k != "campaign"}
        return [
            {
                **values,
                "partner_id": self.ids[person.number],
                "company_id": self.companies[firm.number].id,
            }
        ]

    # === WHAT HAPPENS === #

    def _change_firm(self):
        firm = self.random.choice(self.firms)
        firm.opt_in = self.random.random() < 0.7
        firm.cap = self.random.choice((0, 1, 2, 4, 4, 30))
        firm.quiet = draw_minutes(self.random)
        self._write_firm(firm)

    def _write_firm(self, firm):
        start, end = (minute // 60 + minute % 60 / 60 for minute in firm.quiet)
        self.companies[firm.number].write(
            {
                "hstyle_opt_in": firm.opt_in,
                "hstyle_contact_cap": firm.cap,
                "hstyle_quiet_from": start,
                "hstyle_quiet_to": end,
            }
        )

    def _speak(self, now):
        firm, channel, purpose, given, people = draw_word(
            self.random, self.world.persons
        )
        self.order += 1
        for person in people:
            person.words.append((now, self.order, firm, channel, purpose, given))
        self.env["hstyle.consent"]._record(
            self._get_partners(people),
            channel,
            purpose,
            given,
            "Test",
            company=self.companies[firm],
        )

    def _open_tickets(self, count):
        """Let people want something from service, of one firm or the other."""
        tickets = self.env["hstyle.ticket"].with_context(tracking_disable=True)
        asked = [(p, self.random.choice(self.teams)) for p in self._sample(count)]
        for person, team in asked:
            person.tickets.append(self.teams.ids.index(team.id))
        tickets.create(
            [
                {"name": "Late", "team_id": team.id, "partner_id": partner.id}
                for (_person, team), partner in zip(
                    asked, self._get_partners(p for p, _team in asked), strict=True
                )
            ]
        )

    def _solve_tickets(self):
        people = [p for p in self.world.persons if p.tickets]
        for person in self.random.sample(people, len(people) // 4):
            person.tickets.clear()
            partner = self._get_partners([person])
            solved = self.env["hstyle.ticket"].search([("partner_id", "=", partner.id)])
            solved.stage_id = self.env.ref("hstyle_crm.ticket_stage_solved")

    def _merge_some(self):
        """Merge pairs; the host decides which addresses and wishes stay."""
        for _pair in range(4):
            target, source = self.random.sample(self.world.persons, 2)
            if self.random.random() < 0.5:
                busy = [p for p in self.world.persons if p.rows and p is not target]
                source = self.random.choice(busy)
            partner = self._get_partners([target])
            both = partner | self._get_partners([source])
            wizard = self.env["base.partner.merge.automatic.wizard"].create({})
            wizard._merge(both.ids, partner)
            self.env.flush_all()
            self.world.merge(target, source)
            for message in self.queue:
                if message.person is source:
                    message.person = target
            target.active = partner.active
            target.email = partner.email_normalized or None
            target.phone = partner.phone_sanitized or None
            target.tz, target.bounces = partner.tz, partner.message_bounce
            target.wish, target.preferred = partner.offer_cap, partner.preferred_channel

    # === COMPARISONS === #

    def _get_partners(self, people):
        return self.env["res.partner"].browse(self.ids[p.number] for p in people)

    def _sample(self, count):
        return self.random.sample(self.world.persons, count)

    def _check_verdicts(self, channel, purpose, firm, now):
        partners = self._get_partners(self.world.persons)
        found = partners._get_refusals(channel, purpose, self.companies[firm.number])
        for person in self.world.persons:
            reason = self.world.judge(person, channel, purpose, firm, now)
            self.seen["verdict", reason] += 1
            if found[self.ids[person.number]] != reason:
                where = f"{person}, {channel}, {purpose}, {firm}, {now}, {self.seed}"
                self.assertEqual(found[self.ids[person.number]], reason, where)

    def _check_accepts(self):
        """The filters on the list of customers say what the consents say."""
        firm = self.random.choice(self.firms)
        channel = self.random.choice(("email", "sms"))
        company = self.companies[firm.number]
        partners = self.env["res.partner"].with_company(company)
        domain = [(f"accepts_{channel}", "=", True)]
        ids = set(self.ids.values())
        found = partners.with_context(active_test=False).search(domain)
        expected = set()
        for person in self.world.persons:
            word = person.get_word(firm, channel, "marketing")
            if word or (word is None and not firm.opt_in):
                expected.add(self.ids[person.number])
        self.assertEqual(set(found.ids) & ids, expected, self.seed)

    def _check_filter(self, now):
        firm, people = self.random.choice(self.firms), self._sample(150)
        kind = self.random.choice(CHANNELS), self.random.choice(PURPOSES)
        partners = self._get_partners(people).with_company(self.companies[firm.number])
        found = partners._filter_contactable(*kind, "Filter")
        kept = self.world.filter(people, *kind, firm, now, "Filter")
        self.assertEqual(found, self._get_partners(kept), f"{kind}, {now}, {self.seed}")

    def _check_route(self, now):
        firm, people = self.random.choice(self.firms), self._sample(150)
        ways = self.random.choice((["email", "sms"], ["sms", "email"], ["email"]))
        purpose = self.random.choice(PURPOSES)
        partners = self._get_partners(people).with_company(self.companies[firm.number])
        routes, refusals = partners._route(ways, purpose, "Route")
        expected = self.world.route(people, ways, purpose, firm, now, "Route")
        for found, wanted in zip((routes, refusals), expected, strict=True):
            by_id = {p.id: value for value, many in found.items() for p in many}
            wanted = {self.ids[p.number]: value for p, value in wanted.items()}
            self.assertEqual(by_id, wanted, f"{ways}, {purpose}, {now}, {self.seed}")

    def _check_gate(self, now):
        """Messages come to the gate: new ones, and some that came before."""
        messages = [self._draw_message() for _message in range(400)]
        # Several to one person, at once.
        for message in messages[::4]:
            messages.append(self._draw_message(message.person))
        again = self.random.sample(self.queue, min(len(self.queue), 80))
        self.queue += messages
        self.random.shuffle(messages)
        messages += [message for message in again if message not in messages]
        self.seen["again"] += len(again)
        found = self.env["res.partner"]._pass_gate(
            [self._prepare_message(message) for message in messages]
        )
        expected = self.world.decide(messages, now)
        for message in messages:
            reason = expected.get(message.key)
            self.seen["message", reason] += 1
            if found.get(message.key) != reason:
                where = f"{message}, {now}, {self.seed}"
                self.assertEqual(found.get(message.key), reason, where)
        self.assertLessEqual(found.keys(), {m.key for m in messages})

    def _draw_message(self, person=None):
        self.count += 1
        return Message(
            key=f"test:{self.count}",
            person=person or self.random.choice(self.world.persons),
            firm=self.random.choice(self.firms),
            channel=self.random.choice(("email", "email", *CHANNELS)),
            purpose=self.random.choice(("marketing", "marketing", *PURPOSES)),
            what=f"Message {self.count}",
            campaign=self.random.choice((None, *self.campaigns.ids)),
        )

    def _prepare_message(self, message):
        return {
            "key": message.key,
            "partner_id": self.ids[message.person.number],
            "channel": message.channel,
            "purpose": message.purpose,
            "company": self.companies[message.firm.number],
            "what": message.what,
            "campaign_id": message.campaign,
        }

    def _check_log(self):
        """Each decision has its row, and there is no other."""
        ids = list(self.ids.values())
        rows = self.env.execute_query(SQL("%s WHERE partner_id = ANY(%s)", _LOG, ids))
        expected = Counter(
            (
                self.ids[person.number],
                self.companies[row.firm].id,
                row.channel,
                row.purpose,
                row.state,
                row.reason,
                row.what,
                row.key,
                row.date,
                row.day,
                row.campaign,
            )
            for person in self.world.persons
            for row in person.rows
        )
        found = Counter(rows)
        self.assertFalse(found - expected, self.seed)
        self.assertFalse(expected - found, self.seed)


#: What a person has that is not a column.
_LISTS = ("words", "rows", "tickets")
