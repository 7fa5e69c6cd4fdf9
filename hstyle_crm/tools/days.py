"""Days as customers read them."""

from datetime import UTC
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton


def say_day(day, lang, parts="yMMMd"):
    """Return a day in a language, its parts in the order of there.

    :param lang: such as "zh_CN"; English if it is none
    :param parts: as Unicode writes them: "MMMd" → "Nov 3", "11月3日"
    """
    return format_skeleton(parts, day, locale=Locale.parse(lang or "en_US"))


def say_moment(moment, tz, lang):
    """Return a moment (naive UTC) in a language and a timezone, with the weekday."""
    local = localize(moment, tz)
    return f"{say_day(local, lang, 'yMMMEd')} {local:%H:%M}"


def localize(moment, tz):
    """Return a moment (naive UTC) with the timezone of that name."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(tz))
