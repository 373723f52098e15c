"""Contrast is that of WCAG 2, on one colour and on pictures."""

import numpy as np
import pytest

from renderers.brand import contrast
from renderers.quality.contrast import ratios, rgb, stands_out
from tests.renderers.quality.sights import a_text, on

KNOWN = [
    ("#000000", "#ffffff", 21.0),
    ("#777777", "#ffffff", 4.48),
    ("#767676", "#ffffff", 4.54),
    ("#ff0000", "#ffffff", 4.0),
    ("#0000ff", "#ffffff", 8.59),
    ("#00ff00", "#000000", 15.3),
    ("#123456", "#123456", 1.0),
]


@pytest.mark.parametrize(("one", "other", "ratio"), KNOWN)
def test_known_pairs_have_their_published_ratio(one: str, other: str, ratio: float) -> None:
    """Both ways round, and as the brand's own check computes it."""
    found = float(ratios(rgb(one), rgb(other))[0])
    assert found == pytest.approx(ratio, abs=0.01)
    assert float(ratios(rgb(other), rgb(one))[0]) == found
    assert contrast(one, other) == pytest.approx(found)


def test_the_worst_twentieth_of_a_picture_is_left_out() -> None:
    """A speck does not matter; a tenth of the ground does."""
    text = a_text(colour="#000000")
    speck = np.concatenate([on("#ffffff", 97), on("#000000", 3)])
    patch = np.concatenate([on("#ffffff", 90), on("#000000", 10)])
    assert stands_out(text, 1.0, speck) == pytest.approx(21)
    assert stands_out(text, 1.0, patch) == pytest.approx(1)


def test_a_text_that_shines_through_loses_contrast() -> None:
    """Half of black on white is grey on white; a plate pales with its text."""
    black = a_text(colour="#000000")
    assert stands_out(black, 0.5, on("#ffffff")) == pytest.approx(3.95, abs=0.05)
    plated = a_text(colour="#000000", on="#ffffff")
    assert stands_out(plated, 0.5, on("#000000")) == pytest.approx(5.32, abs=0.05)


def test_what_nobody_looked_at_is_unknown() -> None:
    """Without samples only a plate of the layer's own gives an answer."""
    assert stands_out(a_text(), 1.0, on("#ffffff", 0)) is None
    assert stands_out(a_text(colour="#000000", on="#ffffff"), 1.0, on("#ffffff", 0)) == 21
