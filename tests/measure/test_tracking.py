"""How watching may be remembered: whoever has a say may only make it stricter."""

from __future__ import annotations

import pytest

from connector.measure.tracking import MODES, strictest


def test_without_a_word_people_are_told_apart() -> None:
    """Nobody has asked for less."""
    assert strictest() == strictest(None, None) == "identified"


@pytest.mark.parametrize("looser", range(4))
@pytest.mark.parametrize("stricter", range(4))
def test_the_strictest_word_holds_whoever_says_it(looser: int, stricter: int) -> None:
    """In either order, and whoever has no wish does not loosen it."""
    words = (MODES[min(looser, stricter)], MODES[max(looser, stricter)])
    assert strictest(*words) == strictest(*reversed(words), None) == words[1]


def test_a_word_that_nobody_knows_means_not_at_all() -> None:
    """A mistake in what is stored does not tell of anybody."""
    assert strictest("identified", "anonymos") == "off"
