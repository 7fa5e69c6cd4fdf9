"""Classmates' names and birthdays: a month and a day, without a year."""

import re
import unicodedata
from datetime import date, timedelta

from .sheets import CellError, parse_day

#: 3-5, 03/05, 3月5日. No “3.10”: a spreadsheet makes the number 3.1 of it.
_SHORT = re.compile(r"(\d{1,2})(?:[-/]|月)(\d{1,2})[日号]?", re.ASCII)
_LEAP_YEAR = 2000


def fold_name(name):
    """Return a name in the form in which names are compared: letters and digits."""
    folded = unicodedata.normalize("NFKC", name or "").casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def is_birthday(month, day):
    """Tell whether somebody can be born on a day of a month; 29 February is one."""
    try:
        date(_LEAP_YEAR, month, day)
    except (ValueError, OverflowError):
        return False
    return True


def get_birthday(month, day, year):
    """Return the day of a birthday in a year: 29 February is the 28th in others."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, day - 1)


def list_birthdays(first, last):
    """Return [(month, day, date)] of the birthdays from a day to another one."""
    span = (last - first).days + 1
    days = [first + timedelta(days=number) for number in range(span)]
    found = [(day.month, day.day, day) for day in days]
    leap = [get_birthday(2, 29, year) for year in {day.year for day in days}]
    found += [(2, 29, day) for day in leap if day.day == 28 and first <= day <= last]
    return found


def parse_birthday(text):
    """Return (month, day) that a cell names; the year of a full date is dropped.

    :raise CellError: birthday
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if short := _SHORT.fullmatch(text):
        month, day = (int(part) for part in short.groups())
        if is_birthday(month, day):
            return month, day
        raise CellError("birthday")
    try:
        full = parse_day(text)
    except CellError as error:
        raise CellError("birthday") from error
    return full.month, full.day
