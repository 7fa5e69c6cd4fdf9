"""Working time: when so many minutes of it have passed, and how many have.

Working time is an iterable of spans (start, stop): naive moments in UTC, in order,
none overlapping another. It may be endless; only what is needed is taken from it.
"""

from datetime import datetime, timedelta
from itertools import accumulate, pairwise

#: Around the clock.
ALWAYS = ((datetime.min, datetime.max),)


def get_deadline(spans, start, minutes):
    """Return the moment when so many working minutes have passed since a start.

    The end of a span is a deadline, not the beginning of the next one: who has until
    18:00 has not until the next morning.

    :return: a moment, or None if the spans end before
    """
    left = timedelta(minutes=minutes)
    if not left:
        return start
    for first, last in spans:
        first = max(first, start)
        if last - first >= left and last > first:
            return first + left
        left -= max(last - first, timedelta())
    return None


def get_minutes(spans, start, stop):
    """Return the working minutes between two moments."""
    total = timedelta()
    for first, last in spans:
        if first >= stop:
            break
        total += max(min(last, stop) - max(first, start), timedelta())
    return total.total_seconds() / 60


def subtract(spans, pauses):
    """Yield what is left of spans without the pauses.

    :param pauses: list of (start, stop), in order of their starts; they may overlap; a
        stop of None is not over
    """
    stops = accumulate((stop or datetime.max for _start, stop in pauses), max)
    gaps = zip((start for start, _stop in pauses), stops, strict=True)
    edges = [datetime.min, *(edge for gap in gaps for edge in gap), datetime.max]
    frees = list(pairwise(edges))[::2]
    for first, last in spans:
        for free_from, free_to in frees:
            start, stop = max(first, free_from), min(last, free_to)
            if start < stop:
                yield start, stop


def is_open(spans, moment):
    """Tell whether a moment is working time."""
    for first, last in spans:
        if first > moment:
            return False
        if moment < last:
            return True
    return False


def iter_slots(spans, start, stop, length):
    """Yield where slots of a length begin: one after the other in each span.

    :param start, stop: slots lie between these moments
    """
    for first, last in spans:
        begin = max(first, start)
        while begin + length <= min(last, stop):
            yield begin
            begin += length
        if last >= stop:
            break
