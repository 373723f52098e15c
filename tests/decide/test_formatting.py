"""How numbers, money and dates read in the viewer's language."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decide.formatting import (
    date_text,
    money_text,
    number_text,
    percent_text,
    resolve_locale,
)

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("pt_BR", "pt-BR"),
        ("pt-br", "pt-BR"),
        ("PT-XX", "pt"),
        ("de_DE.UTF-8", "de-DE"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("en", "en"),
        ("klingon", "en"),
        ("", "en"),
        (None, "en"),
        (7, "en"),
        ("root", "en"),
        ("../../etc/passwd", "en"),
    ],
)
def test_a_locale_is_found_by_what_is_known_of_it(raw: object, expected: str) -> None:
    """Any spelling works; an unknown country falls back to the language, else to English."""
    assert resolve_locale(raw) == expected


def test_the_admins_own_fallback_comes_before_english() -> None:
    """A campaign for Spain speaks Spanish to contacts without a language."""
    assert resolve_locale("??", "es-ES") == "es-ES"


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=30))
def test_any_text_resolves_to_a_locale_that_can_write(raw: str) -> None:
    """No value of a record stops a video for its language."""
    assert date_text(date(2026, 11, 21), resolve_locale(raw))


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en", "€1,299.50"),
        ("de", f"1.299,50{NBSP}€"),
        ("fr-FR", f"1{NBSP}299,50{NBSP}€"),
        ("pt-BR", f"€{NBSP}1.299,50"),
    ],
)
def test_money_reads_as_in_the_viewers_country(locale: str, expected: str) -> None:
    """Symbol, grouping and decimals follow the language; spaces do not break."""
    assert money_text(Decimal("1299.5"), "EUR", locale) == expected


def test_money_has_the_decimals_of_its_currency() -> None:
    """Yen have none."""
    assert money_text(Decimal("1299.5"), "JPY", "ja") == "￥1,300"


@pytest.mark.parametrize(
    ("points", "locale", "expected"),
    [("12", "en", "12%"), ("-12.5", "de", f"-12,5{NBSP}%"), ("12.34", "tr", "%12,3")],
)
def test_percentages_are_points(points: str, locale: str, expected: str) -> None:
    """12 is twelve per cent, with a decimal only where there is one."""
    assert percent_text(Decimal(points), locale) == expected


def test_numbers_are_grouped() -> None:
    """Thousands are marked, and decimals end after two places."""
    assert number_text(Decimal("12345.678"), "de") == "12.345,68"


def test_dates_are_written_out() -> None:
    """A date is a sentence's part, not a code."""
    assert date_text(date(2026, 11, 21), "es") == "21 de noviembre de 2026"
    assert date_text(date(2026, 11, 21), "ja") == "2026年11月21日"
