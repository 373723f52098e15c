"""Sets text: finds the size at which it fits, wraps it evenly, and refuses what cannot be shown."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import skia
from skia import textlayout

from renderers import fonts
from renderers.errors import TextError
from renderers.expressions import FSI, PDI
from renderers.parts import Box

_RLI = "\u2067"
# stretches that should not be broken: scripts without spaces (Thai to Khmer, Han, Hangul) may be;
# a no-break space, as between an amount and its currency, may not
_WORD = re.compile(
    r"[^ \t\n\-\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\uffff\U0001f000-\U0003ffff]+-?"
)
# what U+FE0F asks to be a picture, where another font has a plain sign; sequences stay whole
_SIGN = "[^\\s\\w\u2066-\u2069]"
_DRESSED = f"{_SIGN}[\U0001f3fb-\U0001f3ff\ufe0f]*"
_EMOJI = re.compile(f"((?:{_DRESSED}\u200d)*{_SIGN}\ufe0f(?:\u200d{_DRESSED})*)")
_STEPS = 24
_ALIGN = {
    "left": textlayout.TextAlign.kLeft,
    "center": textlayout.TextAlign.kCenter,
    "right": textlayout.TextAlign.kRight,
}


@dataclass(frozen=True)
class Style:
    """How a text is set, apart from its size."""

    font: str
    locale: str
    colour: str
    bold: bool = False
    align: str = "start"
    leading: float = 1.2
    tracking: float = 0.0


@dataclass(frozen=True)
class Room:
    """The space that a text may take."""

    width: float
    height: float
    largest: float
    smallest: float
    lines: int


@dataclass(frozen=True)
class Setting:
    """A text laid out at one size; `left` is where its longest line begins in its box.

    `cut` says that it did not fit whole and ends with ….
    """

    paragraph: textlayout.Paragraph
    size: float
    width: float
    height: float
    left: float
    shift: float
    cut: bool = False

    def ink(self, x: float, y: float) -> Box:
        """Tell where its lines stand when it is painted at a point."""
        return Box(x + self.left, y, self.width, self.height)

    def paint(self, canvas: skia.Canvas, x: float, y: float) -> None:
        """Draw it with its box's top left corner at a point."""
        self.paragraph.paint(canvas, x + self.shift, y)


def fit(text: str, style: Style, room: Room, *, slots: Sequence[str] = ()) -> Setting:
    """Set a text at the largest size that fits its room, or raise TextError naming the slot."""
    _require_glyphs(text, slots)
    rtl = runs_right_to_left(text)
    style = replace(_for(text, style), align=_side(style.align, rtl))
    text = "\n".join(f"{_RLI}{line}{PDI}" for line in text.split("\n")) if rtl else text
    size = _largest_size(text, style, room)
    if size is None:
        raise TextError(
            f"The text {_shown(text)!r} does not fit its box at {room.smallest:g} px: "
            f"shorten {_named(slots)} or enlarge the box.",
            reason="text_overflow",
            slot=slots[0] if slots else None,
        )
    return _even(text, style, room, size)


def line(text: str, style: Style, size: float, *, slots: Sequence[str] = ()) -> Setting:
    """Set a text on one line at a fixed size, as wide as it gets."""
    _require_glyphs(text, slots)
    return _lay(text, replace(_for(text, style), align="left"), size, 1e6)


def fit_cut(text: str, style: Style, room: Room, *, slots: Sequence[str] = ()) -> Setting:
    """Set a text like `fit`, but end it with … where it does not fit even at the smallest size."""
    _require_glyphs(text, slots)
    style = _for(text, style)
    left = replace(style, align=_side(style.align, runs_right_to_left(text)))
    if _largest_size(text, left, room) is not None:
        return fit(text, style, room, slots=slots)
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = _fits(_cut(text, middle), left, room, room.smallest)
        low, high = (middle, high) if fits else (low, middle - 1)
    return replace(fit(_cut(text, low), style, room, slots=slots), cut=True)


def _cut(text: str, length: int) -> str:
    """Cut before a word when one ends nearby, and never inside of a character."""
    while 1 < length < len(text) and (
        unicodedata.combining(text[length]) or "\u200d" in text[length - 1 :][:2]
    ):
        length -= 1
    head, space, _ = text[:length].rpartition(" ")
    kept = head if space and length - len(head) <= 12 else text[:length]
    return kept.rstrip(" ,;:-") + "…"


def runs_right_to_left(text: str) -> bool:
    """Tell whether the author's own words (outside of slots) run from right to left."""
    depth = 0
    for char in text:
        depth += (char == FSI) - (char == PDI)
        direction = unicodedata.bidirectional(char)
        if depth == 0 and direction in ("L", "R", "AL"):
            return direction != "L"
    return False


def _for(text: str, style: Style) -> Style:
    """Fit a style to a text: what of its locale matters, and no tracking where letters join.

    Where directions meet, the layout clips each run to an advance that tracking has made too
    narrow.
    """
    rtl = any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)
    tracking = 0.0 if rtl else style.tracking
    return replace(style, locale=fonts.tongue(text, style.locale), tracking=tracking)


def _side(align: str, rtl: bool) -> str:
    sides = {"start": "right", "end": "left"} if rtl else {"start": "left", "end": "right"}
    return sides.get(align, align)


def _require_glyphs(text: str, slots: Sequence[str]) -> None:
    lacking = fonts.missing(text)
    if lacking:
        codes = ", ".join(f"U+{ord(char):04X}" for char in lacking[:4])
        raise TextError(
            f"No packaged font can draw {codes} of {_named(slots)}: "
            "use the fallback text, or add a font to tools/place_assets.py.",
            reason="missing_glyph",
            slot=slots[0] if slots else None,
        )


def _named(slots: Sequence[str]) -> str:
    return " and ".join(f"slot {name!r}" for name in slots) or "the template's own text"


def _shown(text: str) -> str:
    plain = "".join(char for char in text if char not in (FSI, PDI, _RLI))
    return plain if len(plain) <= 60 else plain[:57] + "..."


def _largest_size(text: str, style: Style, room: Room) -> float | None:
    """Try sizes by halving; words are only broken when even the smallest size asks for it."""
    sizes = [
        room.largest - (room.largest - room.smallest) * step / _STEPS for step in range(_STEPS + 1)
    ]
    word = _longest_word(text, style)
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        whole = word * sizes[middle] <= room.width
        if whole and _fits(text, style, room, sizes[middle]):
            high = middle
        else:
            low = middle + 1
    if low < len(sizes):
        return sizes[low]
    return room.smallest if _fits(text, style, room, room.smallest) else None


def _longest_word(text: str, style: Style) -> float:
    """Measure the widest stretch that should stay on one line, for a size of one pixel.

    The paragraph's own MinIntrinsicWidth leaves out the first word of a line.
    """
    words = sorted(set(_WORD.findall(text)), key=len, reverse=True)[:4]
    left = replace(style, align="left")
    return max((_lay(word, left, 100, 1e6).width / 100 for word in words), default=0.0)


def _fits(text: str, style: Style, room: Room, size: float) -> bool:
    setting = _lay(text, style, size, room.width)
    lines = round(setting.height / (size * style.leading))
    within = setting.width <= room.width + 0.5 and setting.height <= room.height + 0.5
    return within and lines <= room.lines


def _even(text: str, style: Style, room: Room, size: float) -> Setting:
    """Narrow the measure while the number of lines stays, so that lines are of like length."""
    best = _lay(text, style, size, room.width)
    if best.height <= size * style.leading * 1.5:
        return best
    longest = _longest_word(text, style) * size
    low, high = min(max(longest, best.width * 0.55), room.width), room.width
    for _ in range(7):
        middle = (low + high) / 2
        if _lay(text, style, size, middle).height <= best.height + 0.5:
            high = middle
        else:
            low = middle
    return _lay(text, style, size, room.width, measure=math.ceil(high))


def _lay(
    text: str, style: Style, size: float, width: float, *, measure: float | None = None
) -> Setting:
    """Lay out in `measure` pixels, placed inside `width` as the alignment says."""
    measure = min(measure or width, width)
    builder = textlayout.ParagraphBuilder.make(
        _paragraph_style(style, size), fonts.collection(), skia.Unicodes.ICU.Make()
    )
    for number, run in enumerate(_EMOJI.split(text)):
        builder.pushStyle(_text_style(style, size, emoji=number % 2 == 1))
        builder.addText(run)
        builder.pop()
    paragraph = builder.Build()
    paragraph.layout(measure)
    spare = {"left": 0.0, "center": 0.5, "right": 1.0}[style.align]
    longest, shift = paragraph.LongestLine, (width - measure) * spare
    left = shift + (measure - longest) * spare
    return Setting(paragraph, size, longest, paragraph.Height, left, shift)


def _paragraph_style(style: Style, size: float) -> textlayout.ParagraphStyle:
    strut = textlayout.StrutStyle()
    strut.setFontFamilies([style.font])
    strut.setFontSize(size)
    strut.setHeight(style.leading)
    strut.setHeightOverride(True)
    strut.setForceStrutHeight(True)
    strut.setHalfLeading(True)
    strut.setStrutEnabled(True)
    paragraph = textlayout.ParagraphStyle()
    paragraph.setStrutStyle(strut)
    paragraph.setTextAlign(_ALIGN[style.align])
    paragraph.setTextStyle(_text_style(style, size))
    return paragraph


def _text_style(style: Style, size: float, *, emoji: bool = False) -> textlayout.TextStyle:
    text = textlayout.TextStyle()
    families = fonts.families(style.font, style.locale)
    text.setFontFamilies([fonts.EMOJI, *families] if emoji else list(families))
    text.setFontSize(size)
    text.setFontStyle(skia.FontStyle.Bold() if style.bold else skia.FontStyle.Normal())
    text.setColor(skia.Color(*bytes.fromhex(style.colour[1:])))
    text.setLetterSpacing(style.tracking * size)
    text.setLocale(style.locale)
    return text
