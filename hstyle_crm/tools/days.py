"""Days as customers read them."""

from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton


def say_day(day, lang, parts="yMMMd"):
    """Return a day in a language, its parts in the order of there.

    :param lang: such as "zh_CN"; English if it is none
    :param parts: as Unicode writes them: "MMMd" → "Nov 3", "11月3日"
    """
    return format_skeleton(parts, day, locale=Locale.parse(lang or "en_US"))


def say_moment(moment, tz, lang, parts="yMMMEdHm"):
    """Return a moment (naive UTC) in a language and a timezone."""
    locale = Locale.parse(lang or "en_US")
    return format_skeleton(parts, moment, tzinfo=ZoneInfo(tz), locale=locale)
