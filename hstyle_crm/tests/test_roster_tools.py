from datetime import date, timedelta

from odoo.tests import BaseCase, tagged

from ..tools import roster
from ..tools.sheets import CellError

ONE = timedelta(days=1)


def _days(year):
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += ONE


def _model(month, day, first, last):
    """The plain model: walk from day to day, and say whose birthday it is."""
    found = []
    while first <= last:
        exact = (first.month, first.day) == (month, day)
        instead = (month, day) == (2, 29) and (first.month, first.day) == (2, 28)
        if exact or (instead and (first + ONE).month == 3):
            found.append(first)
        first += ONE
    return found


@tagged("post_install", "-at_install")
class TestRosterTools(BaseCase):
    def test_birthdays_of_all_days(self):
        """From each day of a leap year and of another, by windows of many lengths."""
        born = [(day.month, day.day) for day in _days(2024)]
        for year in (2026, 2027, 2028):
            for number, first in enumerate(_days(year)):
                last = first + timedelta(days=(0, 1, 7, 30, 60)[number % 5])
                found = roster.list_birthdays(first, last)
                expected = [
                    (month, day, birthday)
                    for month, day in born
                    for birthday in _model(month, day, first, last)
                ]
                self.assertEqual(sorted(found), sorted(expected), first)

    def test_each_birthday_once_a_year(self):
        for year in (2027, 2028):
            for day in _days(2024):
                birthday = roster.get_birthday(day.month, day.day, year)
                [expected] = _model(
                    day.month, day.day, date(year, 1, 1), date(year, 12, 31)
                )
                self.assertEqual(birthday, expected)

    def test_days_that_are(self):
        days = {
            (month, day)
            for month in range(-1, 15)
            for day in range(-1, 34)
            if roster.is_birthday(month, day)
        }
        self.assertEqual(days, {(day.month, day.day) for day in _days(2024)})

    def test_cells(self):
        for text in (
            "03-05", "3-5", "3/5", "03/05", " 3月5日 ", "3月5号", "３月５日", "3月5",
            "2004-03-05", "2004/3/5", "2004年3月5日", "2004-03-05 00:00:00",
            "1999.3.5",
        ):  # fmt: skip
            self.assertEqual(roster.parse_birthday(text), (3, 5), text)
        self.assertEqual(roster.parse_birthday("2-29"), (2, 29))
        self.assertEqual(roster.parse_birthday("2004-02-29"), (2, 29))

    def test_cells_that_name_no_day(self):
        for text in (
            "", "Mei", "2-30", "13-1", "1-32", "0-5", "5", "3.1", "305", "5/3/2004",
            "2023-02-29", "3-5-", "三月五日", "٣-٥",
        ):  # fmt: skip
            with self.assertRaises(CellError, msg=text):
                roster.parse_birthday(text)

    def test_names(self):
        for one, other in (
            ("张 三", "张三"), ("Mei-Li  Wang", "mei li wang"), ("ＭＥＩ", "Mei"),
            ("迪丽·热巴", "迪丽热巴"), ("STRASSE", "straße"),
        ):  # fmt: skip
            self.assertEqual(roster.fold_name(one), roster.fold_name(other))
        self.assertNotEqual(roster.fold_name("Mei"), roster.fold_name("Meil"))
        self.assertEqual(roster.fold_name(" · "), "")
