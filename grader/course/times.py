"""Reads a platform's time, in any language -> a time in UTC. A time without a zone is in the course's zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

CLOCK = re.compile(r"(?<![\d./])\d{1,2}[:.h時时]\d\d(?!\d)(?![./]\d)|\d\s*[ap]\.?m\b", re.IGNORECASE)
OFFSET = re.compile(r"\s+([+-]\d\d:?\d\d)$")
ZONE = re.compile(r"\s+([A-Za-z]+(?:/[A-Za-z_+\-\d]+)+|UTC|GMT|Z)$")
NUMBERS = re.compile(r"\D*(\d{1,2})([/-])(\d{1,2})\2\d{2,4}\b")
NOTHING = ("", "-", "–", "—", "0", "never", "none", "n/a", "null")  # cells that mean "no time"
YEARS = range(1900, 9000)  # beyond, a zone or some days more leave the calendar
STRICT = {"REQUIRE_PARTS": ["day", "month", "year"], "PARSERS": ["absolute-time"], "DATE_ORDER": "DMY"}


def moment(value: object, zone: tzinfo | None = None) -> datetime | None:
    """The time in UTC, or None if it cannot be read, or lies so near an end of the calendar that no zone can show it.

    A time without a zone is in `zone`, or in this machine's zone; a date without a time means the end of that day.
    """
    time = parse(" ".join(value.split())) if isinstance(value, str) and value.strip() else value
    if not isinstance(time, datetime):
        return None
    try:
        at = (time.replace(tzinfo=zone) if time.tzinfo is None else time).astimezone(UTC)
        return at if at.year in YEARS else None
    except (OverflowError, OSError, ValueError):
        return None


def says_nothing(text: str) -> bool:
    """Whether a cell for a time means "no time"."""
    return text.strip().casefold() in NOTHING


def parse(text: str) -> datetime | None:
    """A time in ISO 8601, possibly followed by a zone's name; else a date in words or numbers, in any language."""
    iso, zone = text, None
    if found := ZONE.search(text):
        iso, zone = text[: found.start()], zone_of(found[1])
    try:
        time = datetime.fromisoformat(to_its_end(OFFSET.sub(r"\1", iso)))
        return time.replace(tzinfo=zone) if zone and time.tzinfo is None else time
    except ValueError:
        return in_words(text)


def to_its_end(text: str) -> str:
    """A time in ISO 8601. A day alone, in any of its forms (20261120), becomes its last second."""
    try:
        return f"{date.fromisoformat(text)}T23:59:59"
    except ValueError:
        return text


def zone_of(name: str) -> tzinfo | None:
    if name in ("Z", "UTC", "GMT"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def in_words(text: str) -> datetime | None:
    """A date in any language. None for dates such as 3/4/2026: it is in March or April, depending on the country."""
    import dateparser

    numbers = NUMBERS.match(text)
    if numbers and numbers[1] != numbers[3] and max(int(numbers[1]), int(numbers[3])) <= 12:
        return None
    settings: Any = STRICT
    try:
        time: datetime | None = dateparser.parse(text[:100], settings=settings)
    except (ValueError, OverflowError, TypeError):
        return None
    if time is not None and not CLOCK.search(text):
        return time.replace(hour=23, minute=59, second=59)
    return time
