"""Writes numbers, money and dates as people in one language expect to read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

OTHERWISE = "en"


def resolve_locale(raw: object, otherwise: str = OTHERWISE) -> str:
    """Find the language we can write for `pt_BR`, `pt-br` or `pt-XX`; an unknown one is English."""
    for candidate in (*_candidates(raw), *_candidates(otherwise)):
        if found := _parsed(candidate):
            return found
    return OTHERWISE


def _candidates(raw: object) -> Iterator[str]:
    text = str(raw or "").strip().replace("_", "-").split(".")[0]
    parts = text.split("-")
    for length in range(min(len(parts), 3), 0, -1):
        yield "-".join(parts[:length])


@lru_cache(maxsize=512)
def _parsed(tag: str) -> str | None:
    try:
        return None if tag.lower() == "root" else str(Locale.parse(tag, sep="-")).replace("_", "-")
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def _babel(locale: str) -> Locale:
    return Locale.parse(resolve_locale(locale), sep="-")


def money_text(amount: Decimal, currency: str, locale: str) -> str:
    """Write an amount of money: `1.299,00 €`."""
    return _plain_spaces(format_currency(amount, currency, locale=_babel(locale)))


def number_text(number: Decimal, locale: str) -> str:
    """Write a number, grouped, with at most two decimals."""
    rounded = round(number, 2)
    return _plain_spaces(format_decimal(rounded, locale=_babel(locale)))


def percent_text(points: Decimal, locale: str) -> str:
    """Write percentage points (12.5 is 12.5 %) with at most one decimal."""
    pattern = _babel(locale).percent_formats[None].pattern
    pattern = pattern.replace("0", "0.#", 1) if "." not in pattern else pattern
    return _plain_spaces(format_percent(points / 100, pattern, locale=_babel(locale)))


def date_text(day: date, locale: str) -> str:
    """Write a date in full: `21 November 2026`."""
    return _plain_spaces(format_date(day, format="long", locale=_babel(locale)))


def _plain_spaces(text: str) -> str:
    # the narrow no-break space is absent from many fonts; the ordinary one reads the same
    return text.replace("\u202f", "\u00a0")
