"""Judges the texts of a layer: size, completeness, glyphs, contrast, and how far apart they are."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from unicodedata import category, name, normalize

from renderers import fonts
from renderers.layers.stage import Lettering
from renderers.parts import Box
from renderers.quality.contrast import stands_out
from renderers.quality.seen import LayerSeen
from renderers.schema import SMALLEST_TEXT
from renderers.storyboard import Storyboard

Said = Iterator[tuple[str, str]]
READABLE = 4.5  # WCAG 2.2, 1.4.3 (AA); the large text that AA lets off is not let off by DESIGN
SEEN_AT_ALL = 3.0  # WCAG 2.2, 1.4.11: marks, which nobody has to read
LOST = 2.0  # below this even large letters are guessed, not read
_SLACK = 0.2  # of the size: lines are taller than most of what stands in them
_NEAR = 1.001  # sizes are computed


def judge_texts(layer: LayerSeen, board: Storyboard) -> Said:
    """Tell what is wrong with the texts of a layer, each reason at most once."""
    yield from _sizes(layer, board)
    yield from _glyphs(layer, board)
    yield from _contrast(layer)
    yield from _overlaps(layer)


def named(layer: LayerSeen, text: str) -> str:
    """Name a text without telling what is in a slot: findings are kept, values are not."""
    if layer.part.slots:
        return f"The text of slot {layer.part.slots[0]!r}"
    return f"The text {text if len(text) <= 40 else text[:39] + '…'!r}"


def drawn(lettering: Lettering) -> Box:
    """Tell where a text's letters stand, without the air above and below its lines."""
    ink, slack = lettering.ink, _SLACK * lettering.size
    return Box(ink.x, ink.y + slack, ink.width, max(ink.height - 2 * slack, 0.0))


def _sizes(layer: LayerSeen, board: Storyboard) -> Said:
    texts = [text for text in layer.letterings if not text.mark]
    if not texts:
        return
    least = min(texts, key=lambda text: text.size)
    size = least.size * 720 / min(board.width, board.height)
    if size * _NEAR < SMALLEST_TEXT:
        yield (
            "text_small",
            f"{named(layer, least.text)} is set at {size:.0f} px (at 720p), below "
            f"{SMALLEST_TEXT}: give the layer more room or a larger size.",
        )
    tight = [t for t in texts if t.size <= t.smallest * _NEAR and t.largest > t.smallest * _NEAR]
    if tight:
        yield (
            "text_at_limit",
            f"{named(layer, tight[0].text)} is set at its smallest size: anything longer "
            "would not fit.",
        )
    cut = next((text for text in texts if text.cut), None)
    if cut:
        yield "text_cut", f"{named(layer, cut.text)} did not fit whole and ends in an ellipsis."


def _glyphs(layer: LayerSeen, board: Storyboard) -> Said:
    for text in layer.letterings:
        lacking = fonts.missing(text.text)
        if lacking:
            codes = ", ".join(f"U+{ord(char):04X}" for char in lacking[:4])
            yield (
                "glyph_missing",
                f"{named(layer, text.text)} has {codes}, which no packaged font can draw: use "
                "the fallback text or add a font.",
            )
            return
    for text in layer.letterings:
        odd = _odd_letters(board.brand.font, text.text)
        if odd:
            yield (
                "font_mixed",
                f"{named(layer, text.text)} has words in which some letters are not of the "
                f"brand's font {board.brand.font!r}.",
            )
            return


@lru_cache(maxsize=4096)
def _in_font(font: str, char: str) -> bool:
    return bool(fonts.typefaces()[font][0].unicharToGlyph(ord(char)))


def _odd_letters(font: str, text: str) -> bool:
    """Tell whether a word of one script is set in two fonts; a foreign script is in order."""
    if text.isascii():
        return False
    letters = (char if category(char)[0] in "LM" else " " for char in normalize("NFC", text))
    return any(_mixed(font, word) for word in "".join(letters).split() if not word.isascii())


def _mixed(font: str, word: str) -> bool:
    fonts_of: dict[str, set[bool]] = {}
    for char in word:
        if category(char)[0] == "L":
            script = name(char, "").split(" ")[0]  # LATIN, GREEK, CJK, …
            fonts_of.setdefault(script, set()).add(_in_font(font, char))
    return any(len(used) > 1 for used in fonts_of.values())


def _contrast(layer: LayerSeen) -> Said:
    worst: tuple[float, Lettering] | None = None
    for text, under in zip(layer.letterings, layer.under, strict=True):
        ratio = stands_out(text, layer.part.opacity, under)
        if ratio is None or ratio >= (SEEN_AT_ALL if text.mark else READABLE):
            continue
        if worst is None or ratio < worst[0]:
            worst = ratio, text
    if worst is None:
        return
    ratio, text = worst
    wanted = SEEN_AT_ALL if text.mark else READABLE
    yield (
        "text_invisible" if ratio < LOST else "contrast_low",
        f"{named(layer, text.text)} has a contrast of {ratio:.2f} to 1 with what is under it; "
        f"{wanted:g} is needed: change its colour or put a plate or scrim behind it.",
    )


def _overlaps(layer: LayerSeen) -> Said:
    texts = [text for text in layer.letterings if not text.mark]
    if len(texts) < 2:
        return
    for one, other in combinations(texts, 2):
        if _meet(drawn(one), drawn(other)):
            yield (
                "texts_overlap",
                f"{named(layer, one.text)} runs into the text beside it: shorten it or show less.",
            )
            return


def _meet(one: Box, other: Box) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return across > 1 and down > 1
