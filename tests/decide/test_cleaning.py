"""Which texts of a record are usable, and how long ones are cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.decide.cleaning import clusters, shortened, usable_text
from renderers.values import graphemes


@pytest.mark.parametrize(
    "junk",
    [
        "", "   ", "\t\n", "null", "NULL", " Null ", "None", "N/A", "n/a", "#N/A", "undefined",
        "unknown", "Unknown", "test", "TEST", "-", "--", "—", ".", "...", "?", "''", "=SUM(A1)",
        "=HYPERLINK(\"x\")", "&nbsp;", "\u200b", "\ufeff", "[object Object]", "NaN", "&#45;",
    ],
)  # fmt: skip
def test_junk_counts_as_missing(junk: str) -> None:
    """Nobody is greeted with `Hi NULL` or `Hi ,`."""
    assert usable_text(junk) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  Ana  ", "Ana"),
        ("Ana\n Lucía", "Ana Lucía"),
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("M&uuml;ller", "Müller"),
        ("Jose\u0301", "José"),
        ("<b>Ana</b>", "<b>Ana</b>"),
        ("👋🏽", "👋🏽"),
        ("7", "7"),
        ("Na", "Na"),
        ("田中", "田中"),
        ("مرحبا", "مرحبا"),
        ("{{7*7}}", "{{7*7}}"),
        ("Testino", "Testino"),
    ],
)
def test_what_a_person_wrote_stays(raw: str, expected: str) -> None:
    """Spaces and entities are tidied; nothing else of a value is touched."""
    assert usable_text(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ANA", "Ana"),
        ("MARY-JANE O'NEILL", "Mary-Jane O'Neill"),
        ("JOSÉ MARÍA", "José María"),
        ("ОЛЬГА", "Ольга"),
        ("JP", "JP"),
        ("J.P.", "J.P."),
        ("McDonald", "McDonald"),
        ("van der Berg", "van der Berg"),
        ("王小明", "王小明"),
        ("ÉLODIE", "Élodie"),
    ],
)
def test_shouted_names_are_calmed(raw: str, expected: str) -> None:
    """A name in capitals is written as a name; initials and other scripts stay."""
    assert usable_text(raw, name=True) == expected


def test_capitals_elsewhere_stay() -> None:
    """Companies are often written in capitals on purpose."""
    assert usable_text("IBM DEUTSCHLAND") == "IBM DEUTSCHLAND"


def test_a_long_text_is_cut_between_visible_characters() -> None:
    """Families, flags and accents stay whole, and the last place is the ellipsis."""
    family = "👨‍👩‍👧‍👦"
    assert shortened(f"{family}{family}{family}", 2) == f"{family}…"
    assert shortened("🇪🇸🇫🇷🇩🇪", 2) == "🇪🇸…"
    assert shortened("José", 4) == "José"
    assert shortened("Maximiliana", 5) == "Maxi…"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.integers(1, 20))
def test_a_shortened_text_fits_as_the_renderer_counts(text: str, longest: int) -> None:
    """What is cut here is never refused as too long there."""
    assert graphemes(shortened(text, longest)) <= longest


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_clusters_lose_nothing(text: str) -> None:
    """Splitting a text and joining it again changes nothing."""
    assert "".join(clusters(text)) == text
    assert len(clusters(text)) >= graphemes(text)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    """A usable text is usable as it is, unless an entity was written twice over."""
    once = usable_text(text)
    if once is not None and "&" not in once:
        assert usable_text(once) == once
