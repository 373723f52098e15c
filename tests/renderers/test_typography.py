"""Names in any script are drawn whole, or refused with the slot's name: never as boxes."""

import numpy as np
import pytest
import skia
from numpy.typing import NDArray

from renderers import fonts
from renderers.errors import RenderError, TextError
from renderers.expressions import FSI, PDI
from renderers.typography import Room, Style, fit, fit_cut, line, runs_right_to_left

STYLE = Style("inter", "en", "#000000", bold=True)
STYLE_PLAIN = Style("inter", "en", "#000000")
ROOM = Room(width=600, height=80, largest=48, smallest=36, lines=1)

NAMES = {
    "Latin": "Zoë Müller",
    "Vietnamese": "Nguyễn Thị Hằng",
    "Greek": "Ελένη",
    "Cyrillic": "Ольга",
    "Arabic": "مرحبا فاطمة",
    "Hebrew": "שלום",
    "Devanagari": "प्रिया",
    "Bengali": "অনন্যা",
    "Tamil": "கவிதா",
    "Telugu": "సీత",
    "Thai": "สมชาย",
    "Japanese": "田中さん",
    "Chinese": "王小明",
    "Korean": "김민준",
    "Georgian": "ნინო",
    "Armenian": "Անի",
    "Ethiopic": "አበበ",
    "Khmer": "សុខា",
    "emoji": "👋🏽",
    "mixed": "Ольга 田中 👋🏽 فاطمة",
}


def drawn(text: str, style: Style = STYLE) -> NDArray[np.uint8]:
    """Draw a text in black on white."""
    pixels = np.full((80, 640, 4), 255, dtype=np.uint8)
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    fit(text, style, ROOM).paint(surface.getCanvas(), 4, 4)
    surface.flushAndSubmit()
    return pixels


def tofu(count: int) -> NDArray[np.uint8]:
    """Draw what the text font shows for characters that it does not have."""
    pixels = np.full((80, 640, 4), 255, dtype=np.uint8)
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    font = skia.Font(fonts.typefaces()["inter"][0], 48)
    boxes = skia.TextBlob.MakeFromText(bytes(2 * count), font, skia.TextEncoding.kGlyphID)
    surface.getCanvas().drawTextBlob(boxes, 4, 50, skia.Paint())
    return pixels


@pytest.mark.parametrize("script", NAMES)
def test_every_script_is_drawn_with_glyphs(script: str) -> None:
    """There is ink, every character is covered, and the picture is not a row of boxes."""
    name = NAMES[script]
    picture = drawn(name)
    assert fonts.missing(name) == []
    assert (picture < 128).sum() > 100 or script == "emoji"
    assert not np.array_equal(picture, tofu(len(name)))


def test_two_names_of_one_length_look_different() -> None:
    """Boxes would look alike."""
    pairs = [("王小明", "田中三"), ("김민준", "박서연"), ("สมชาย", "สมหญง"), ("Анна", "Олег")]
    assert all(not np.array_equal(drawn(one), drawn(other)) for one, other in pairs)


def test_emoji_are_in_colour() -> None:
    """A waving hand is not grey."""
    pixels = drawn("👋🏽").astype(int)
    assert (abs(pixels[..., 0] - pixels[..., 2]) > 40).sum() > 100


def test_arabic_letters_are_joined() -> None:
    """A word takes less room than its letters one by one."""
    word = "فاطمة"
    apart = sum(line(letter, STYLE, 48).width for letter in word)
    assert line(word, STYLE, 48).width < apart * 0.9


def test_han_characters_follow_the_locale() -> None:
    """The same code point is written differently in Japan and in China."""
    japanese = drawn("直骨", Style("inter", "ja", "#000000"))
    chinese = drawn("直骨", Style("inter", "zh-Hans", "#000000"))
    assert not np.array_equal(japanese, chinese)


def test_a_missing_glyph_names_the_slot_and_the_character() -> None:
    """Runes have no packaged font."""
    with pytest.raises(TextError, match=r"U\+16A0.*'first_name'") as caught:
        fit("Hi ᚠᚢ", STYLE, ROOM, slots=["first_name"])
    assert (caught.value.reason, caught.value.slot) == ("missing_glyph", "first_name")


def test_a_text_that_does_not_fit_names_the_slot() -> None:
    """Nothing is cut silently."""
    with pytest.raises(TextError, match="does not fit") as caught:
        fit("x" * 200, STYLE, ROOM, slots=["company"])
    assert (caught.value.reason, caught.value.slot) == ("text_overflow", "company")


def test_a_text_takes_the_largest_size_that_fits() -> None:
    """Short texts are large, longer ones smaller, none below the smallest."""
    sizes = [fit("x" * count, STYLE, ROOM).size for count in (3, 19, 24)]
    assert sizes[0] == ROOM.largest
    assert sizes == sorted(sizes, reverse=True)
    assert ROOM.smallest <= sizes[-1] < ROOM.largest


def test_words_are_broken_only_when_nothing_else_helps() -> None:
    """A long word makes the text smaller before it is broken."""
    room = Room(width=400, height=200, largest=60, smallest=20, lines=4)
    whole = fit("Wolfeschlegelsteinhausen", STYLE, room)
    assert whole.width <= 400
    assert round(whole.height / (whole.size * STYLE.leading)) == 1
    assert fit("W" * 40, STYLE, room).size == 20


def test_lines_are_of_like_length() -> None:
    """A wrapped headline leaves no lonely last word."""
    room = Room(width=600, height=200, largest=48, smallest=48, lines=3)
    text = "Single sign-on and a named contact"
    assert fit(text, STYLE, room).width < 600 * 0.85


def test_long_titles_can_end_with_an_ellipsis() -> None:
    """A shop's titles may be cut, at a word and never inside of a character."""
    room = Room(width=300, height=60, largest=40, smallest=36, lines=1)
    assert fit_cut("A very long product title", STYLE, room).width <= 300
    assert fit_cut("👨‍👩‍👧" * 40, STYLE, room).width <= 300
    assert fit_cut("Short", STYLE, room).size == 40


def test_direction_is_that_of_the_author() -> None:
    """A name in a slot does not turn the sentence around it."""
    assert not runs_right_to_left(f"Hi {FSI}فاطمة{PDI}!")
    assert runs_right_to_left(f"مرحبا {FSI}Anna{PDI}!")
    english = fit(f"Hi {FSI}فاطمة{PDI}!", STYLE, ROOM)
    arabic = fit(f"مرحبا {FSI}Anna{PDI}!", STYLE, ROOM)
    assert english.left == 0
    assert arabic.left + arabic.width == pytest.approx(ROOM.width, abs=2)


def test_punctuation_stays_behind_a_name_of_the_other_direction() -> None:
    """Without isolation the exclamation mark would jump to the other side."""
    end = drawn(f"Hi {FSI}فاطمة{PDI}!")
    without = drawn("Hi فاطمة")
    edge = int(np.argwhere((without < 128).any(axis=(0, 2))).max())
    assert (end[:, edge + 4 :] < 128).any()


def amount_of_ink(picture: NDArray[np.uint8]) -> int:
    """Add up how dark a picture is."""
    return int((255 - picture[..., :3].astype(int)).sum())


@pytest.mark.parametrize(
    ("number", "words"),
    [("128,000.00", "\u200fد.إ.\u200f"), ("1,250.00", "\u200f₪"), ("2030", "שלום")],
)
def test_tight_letters_cut_nothing_off_where_directions_meet(number: str, words: str) -> None:
    """An Arabic amount has as much ink as its number and its currency on their own."""
    tight = Style("inter", "ar", "#000000", bold=True, tracking=-0.03)
    apart = amount_of_ink(drawn(number, tight)) + amount_of_ink(drawn(words, tight))
    for text in (f"\u200f{number}\u00a0{words}", f"{FSI}\u200f{number}\u00a0{words}{PDI}"):
        assert amount_of_ink(drawn(text, tight)) == pytest.approx(apart, rel=0.005)


def test_letters_are_set_tighter_only_where_all_runs_from_left_to_right() -> None:
    """Joined letters stay joined, also in one line and in a title that may be cut."""
    tight = Style("inter", "en", "#000000", tracking=-0.05)
    for text, narrower in (("Welcome", True), ("مرحبا", False), ("Hi فاطمة", False)):
        for set_text in (fit, fit_cut):
            plain, closer = set_text(text, STYLE_PLAIN, ROOM), set_text(text, tight, ROOM)
            assert (closer.width < plain.width - 1) == narrower
        assert (line(text, tight, 40).width < line(text, STYLE_PLAIN, 40).width - 1) == narrower


def test_missing_fonts_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """A clone without `make setup` gets one clear sentence."""
    fonts.typefaces.cache_clear()
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)
    with pytest.raises(RenderError, match="make setup"):
        fonts.typefaces()
    fonts.typefaces.cache_clear()
