import random
from datetime import datetime, timedelta

from odoo.tests import BaseCase, tagged

from ..tools import worktime

START = datetime(2026, 3, 27)
MINUTE = timedelta(minutes=1)
#: Minutes of the days that the plain clock walks through.
LENGTH = 3 * 1440


def draw_spans(draw, most):
    """Return spans of whole minutes, in order, of which none touch."""
    edges = sorted(draw.sample(range(LENGTH), 2 * draw.randrange(most + 1)))
    return [
        (START + first * MINUTE, START + last * MINUTE)
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]


def walk(spans, pauses, start):
    """Yield each minute that counts, from a start on: a clock without shortcuts."""
    moment = start
    while moment < START + LENGTH * MINUTE:
        works = any(first <= moment < last for first, last in spans)
        waits = any(first <= moment < (last or datetime.max) for first, last in pauses)
        if works and not waits:
            yield moment
        moment += MINUTE


@tagged("post_install", "-at_install")
class TestWorktime(BaseCase):
    def test_deadline_is_that_of_a_clock(self):
        draw = random.Random(7)
        for _case in range(300):
            spans, pauses = draw_spans(draw, 5), draw_spans(draw, 3)
            if pauses and draw.random() < 0.3:
                pauses[-1] = (pauses[-1][0], None)
            start = START + draw.randrange(LENGTH) * MINUTE
            minutes = [moment + MINUTE for moment in walk(spans, pauses, start)]
            budget = draw.randrange(1, 600)
            due = worktime.get_deadline(worktime.subtract(spans, pauses), start, budget)
            expected = minutes[budget - 1] if budget <= len(minutes) else None
            self.assertEqual(due, expected, (spans, pauses, start, budget))
            stop = start + draw.randrange(2000) * MINUTE
            passed = worktime.get_minutes(worktime.subtract(spans, pauses), start, stop)
            self.assertEqual(passed, sum(moment <= stop for moment in minutes))

    def test_no_time_at_all(self):
        self.assertIsNone(worktime.get_deadline([], START, 1))
        self.assertEqual(worktime.get_deadline([], START, 0), START)

    def test_around_the_clock(self):
        due = worktime.get_deadline(worktime.ALWAYS, START, 90)
        self.assertEqual(due, START + 90 * MINUTE)

    def test_until_the_end_of_a_day(self):
        """Who has until 18:00 has not until the next morning."""
        day = timedelta(days=1)
        spans = [(START, START + day / 2), (START + day, START + 2 * day)]
        self.assertEqual(worktime.get_deadline(spans, START, 720), START + day / 2)
        self.assertTrue(worktime.is_open(spans, START))
        self.assertFalse(worktime.is_open(spans, START + day / 2))
