"""People are called by their names: in any script, direction and length, whole and in order."""

import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import skia
from numpy.typing import NDArray

from renderers import fonts
from renderers.compose import Composer, Placed
from renderers.errors import RenderError
from renderers.expressions import FSI, PDI
from renderers.planes import to_planes
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import find_template
from renderers.typography import Room, Style, fit, line
from tests.renderers import frames

STYLE = Style("inter", "en", "#000000", bold=True)
WIDTH, HEIGHT = 640, 100
ROOM = Room(width=600, height=80, largest=48, smallest=36, lines=1)

# script -> the packaged family that its letters come from, a name, and another of like length
NAMES = {
    "Latin": ("inter", "Łukasz Žižka-Ørsted", "Şükrü Ğüneş-Åström"),
    "Vietnamese": ("inter", "Nguyễn Thị Hằng", "Trần Đức Thưởng"),
    "Greek": ("inter", "Ελένη Παπαδοπούλου", "Γιώργος Ψαρρός Ξένος"),
    "Cyrillic": ("inter", "Ольга Щербаківська", "Єлизавета Їжакевич"),
    "Arabic": ("noto-sans-arabic", "فاطمة الزهراء", "عبد الرحمن خالد"),
    "Persian": ("noto-sans-arabic", "پژمان گیلانی", "چنگیز یزدانی"),
    "Urdu": ("noto-sans-arabic", "ٹیپو ڈھلوں", "نگہت چوہدری"),
    "Hebrew": ("noto-sans-hebrew", "שְׁלֹמֹה כהן", "רָחֵל לֵוִי"),
    "Devanagari": ("noto-sans-devanagari", "प्रिया श्रीवास्तव", "कृष्णा त्रिवेदी"),
    "Bengali": ("noto-sans-bengali", "অনন্যা চট্টোপাধ্যায়", "শ্রীজাত বন্দ্যোপাধ্যায়"),
    "Gurmukhi": ("noto-sans-gurmukhi", "ਹਰਪ੍ਰੀਤ ਸਿੰਘ", "ਗੁਰਮੁਖ ਕੌਰ"),
    "Gujarati": ("noto-sans-gujarati", "જિજ્ઞેશ પટેલ", "ક્રિષ્ના શાહ"),
    "Tamil": ("noto-sans-tamil", "கவிதா ஸ்ரீனிவாசன்", "முத்துலட்சுமி"),
    "Telugu": ("noto-sans-telugu", "కృష్ణమూర్తి", "శ్రీలక్ష్మి"),
    "Kannada": ("noto-sans-kannada", "ಕೃಷ್ಣಪ್ಪ", "ಶ್ರೀದೇವಿ"),
    "Malayalam": ("noto-sans-malayalam", "ശ്രീകുമാർ", "കൃഷ്ണൻകുട്ടി"),
    "Sinhala": ("noto-sans-sinhala", "ශ්‍රීමතී ද්‍රෞපදී", "ප්‍රියංකා"),
    "Thai": ("noto-sans-thai", "สมหญิง น้ำเพชร", "ปิยะนุช กู้เกียรติ"),
    "Lao": ("noto-sans-lao", "ສົມສັກ ແກ້ວ", "ບຸນມີ ຄຳ"),
    "Khmer": ("noto-sans-khmer", "សុខា ស្រីមុំ", "ចាន់ដារ៉ា"),
    "Myanmar": ("noto-sans-myanmar", "အောင်ဆန်း", "ခင်မျိုးချစ်"),
    "Georgian": ("noto-sans-georgian", "ნინო წერეთელი", "გიორგი ჯაფარიძე"),
    "Armenian": ("noto-sans-armenian", "Անի Խաչատրյան", "Գևորգ Ղազարյան"),
    "Ethiopic": ("noto-sans-ethiopic", "አበበ ቢቂላ", "ጥሩነሽ ዲባባ"),
    "Japanese": ("noto-sans-jp", "髙橋 さくら", "渡邊 ケンジ"),
    "Chinese": ("noto-sans-jp", "王小明", "李美麗"),
    "Korean": ("noto-sans-kr", "김민준 뷁쀍", "박서연 훿쫡"),
}
EMOJI = {
    "skin tone": "👋🏽",
    "family": "👨‍👩‍👧‍👦",
    "profession": "👩🏾‍💻",
    "flag": "🇩🇪",
    "flag of a region": "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "rainbow flag": "🏳️‍🌈",
    "keycap": "1️⃣",
}
SENTENCES = {
    # what is drawn -> its parts from left to right
    f"Hi {FSI}فاطمة{PDI}!": ["Hi", "فاطمة", "!"],
    f"Hi {FSI}שלמה{PDI}, 15% off": ["Hi", "שלמה", ",", "15%", "off"],
    f"مرحبا {FSI}Anna{PDI}!": ["!", "Anna", "مرحبا"],
    f"{FSI}Ольга 田中 👋🏽 فاطمة{PDI}, hello": ["Ольга", "田中", "👋🏽", "فاطمة", ", hello"],
    f"Hi {FSI}سارة Smith{PDI} & {FSI}דוד{PDI}.": ["Hi", "Smith", "سارة", "&", "דוד", "."],
}


def drawn(text: str, style: Style = STYLE, size: float = 48) -> NDArray[np.uint8]:
    """Draw a line in black on white."""
    pixels = np.full((HEIGHT, WIDTH, 4), 255, dtype=np.uint8)
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    line(text, style, size).paint(surface.getCanvas(), 8, 16)
    surface.flushAndSubmit()
    return pixels[..., :3]


def ink_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut a drawing down to what is not white."""
    dark = picture.min(axis=-1) < 250
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    assert len(rows), "nothing was drawn"
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def find(part: NDArray[np.uint8], picture: NDArray[np.uint8]) -> tuple[int, float]:
    """Find where on a line a piece of it fits best, and by how much it differs there.

    Letters may stand up to half a pixel further than in the piece: both are compared smoothed.
    """
    small, large = _smooth(part), _smooth(picture)
    best = (0, 255.0)
    for top in range(large.shape[0] - small.shape[0] + 1):
        rows = large[top : top + small.shape[0]]
        windows = np.lib.stride_tricks.sliding_window_view(rows, small.shape[1], axis=1)
        differences = np.abs(windows - small[:, None, :]).mean(axis=(0, 2))
        at = int(differences.argmin())
        if differences[at] < best[1]:
            best = at, float(differences[at])
    return best


def _smooth(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = picture.astype(np.float32).mean(axis=-1)
    grey = (grey[:, :-2] + 2 * grey[:, 1:-1] + grey[:, 2:]) / 4
    smooth: NDArray[np.float32] = (grey[:-2] + 2 * grey[1:-1] + grey[2:]) / 4
    return smooth


def tofu() -> NDArray[np.uint8]:
    """Draw the box that the text font shows for a character which nobody can draw."""
    pixels = np.full((HEIGHT, WIDTH, 4), 255, dtype=np.uint8)
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    faces = fonts.typefaces()["inter"]
    bold = next(face for face in faces if face.isBold())
    box = skia.TextBlob.MakeFromText(bytes(2), skia.Font(bold, 48), skia.TextEncoding.kGlyphID)
    surface.getCanvas().drawTextBlob(box, 100.4, 60, skia.Paint(AntiAlias=True))
    surface.flushAndSubmit()
    return pixels[..., :3]


@pytest.mark.parametrize("script", NAMES)
def test_the_letters_of_a_script_are_in_its_font(script: str) -> None:
    """Every script has a packaged family that knows all of its letters and marks."""
    family, *names = NAMES[script]
    face = fonts.typefaces()[family][0]
    for name in names:
        letters = [char for char in name if unicodedata.category(char)[0] in "LM"]
        assert [char for char in letters if not face.unicharToGlyph(ord(char))] == []
        assert fonts.missing(name) == []


def test_no_name_is_drawn_with_a_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """The box for a missing glyph is nowhere in any name; where it is, it is found."""
    box = ink_of(tofu())
    texts = [name for _, *names in NAMES.values() for name in names]
    found = {text: find(box, roomy(drawn(text), box))[1] for text in [*texts, *EMOJI.values()]}
    assert {text: round(by) for text, by in found.items() if by < 30} == {}
    monkeypatch.setattr(fonts, "missing", lambda text: [])
    assert find(box, roomy(drawn("Ana ᚠᚢ"), box))[1] < 10


def roomy(picture: NDArray[np.uint8], part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut a drawing down to its ink, but leave room for a piece that may be larger."""
    ink = ink_of(picture)
    across, down = (max(part.shape[n] - ink.shape[n], 0) + 2 for n in (1, 0))
    return np.pad(ink, ((down, down), (across, across), (0, 0)), constant_values=255)


@pytest.mark.parametrize("script", NAMES)
def test_two_names_of_a_script_have_different_letters(script: str) -> None:
    """What is drawn are the letters of this name, with nothing of them lost."""
    _, one, other = NAMES[script]
    first, second = ink_of(drawn(one)), ink_of(drawn(other))
    assert first.shape != second.shape or not np.array_equal(first, second)
    for name, whole in ((one, first), (other, second)):
        words = [ink_of(drawn(word)) for word in name.split()]
        dark = sum((255 - word.astype(int)).sum() for word in words)
        assert (255 - whole.astype(int)).sum() == pytest.approx(dark, rel=0.02)


@pytest.mark.parametrize("kind", EMOJI)
def test_an_emoji_sequence_is_one_picture(kind: str) -> None:
    """Skin, family, flag and keycap are joined, as wide as one emoji, and not grey throughout."""
    one = line(EMOJI[kind], STYLE, 48)
    assert one.width == pytest.approx(line("👋", STYLE, 48).width, rel=0.05)
    colours = ink_of(drawn(EMOJI[kind])).astype(int)
    assert (colours.max(axis=-1) - colours.min(axis=-1) > 40).any() or kind == "family"


@pytest.mark.parametrize("sentence", SENTENCES)
def test_runs_of_both_directions_stand_in_the_order_of_reading(sentence: str) -> None:
    """Each part is found where a reader of that language expects it, punctuation too."""
    picture = np.full((HEIGHT, WIDTH, 4), 255, dtype=np.uint8)
    surface = skia.Surface(picture, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    fit(sentence, STYLE, ROOM).paint(surface.getCanvas(), 8, 8)
    surface.flushAndSubmit()
    size = fit(sentence, STYLE, ROOM).size
    places = []
    for part in SENTENCES[sentence]:
        piece = ink_of(drawn(part, size=size))
        at, difference = find(piece, roomy(picture[..., :3], piece))
        assert difference < 16, part
        places.append(at)
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def hello(name: str, company: str = "", height: int = 180) -> Storyboard:
    """Greet somebody with the onboarding template, in its first scene alone."""
    slots = {"first_name": SlotValue(name), "company": SlotValue(company)}
    return assemble(find_template("onboarding"), slots, height=height)


def assert_stitched_as_composed(board: Storyboard, folder: Path) -> None:
    """Coming, at rest and going, the scene looks as the reference draws it."""
    scenery, composer = frames.stitcher(board, folder).scenery(0), Composer(board)
    for frame in (6, 15, 60, board.scenes[0].frames - 3):
        ours, theirs = scenery.still(frame), composer.frame(frame)
        assert frames.decibels(ours.y, frames.luma_of(theirs)) >= 45, frame
        assert frames.decibels(ours.u, to_planes(theirs).u) >= 35, frame


@pytest.mark.parametrize("script", [*NAMES, *EMOJI])
def test_a_name_is_stitched_as_the_reference_draws_it(script: str, tmp_path: Path) -> None:
    """Also letters that reach far above and below their line, and pictures in colour."""
    _, name, company = NAMES.get(script, ("", EMOJI.get(script, ""), "Acme"))
    assert_stitched_as_composed(hello(name, company), tmp_path)


LONG = {
    "German": "Donaudampfschifffahrtsgesellschaftskapit",
    "capitals": "W" * 40,
    "Thai": "ก" * 40,
    "Arabic": "مستشفىالملكفيصلالتخصصيومركزالأبحاثالعلمي",
    "Devanagari": "त्रि" * 20,
    "Chinese": "龘" * 40,
    "families": "👨‍👩‍👧‍👦" * 40,
    "hyphens": "Anna-" * 8,
    "storm": "".join(letter + "\u0301\u0302\u0303\u0308" * 3 for letter in "Zalgo" * 8),
    "storm below": "e\u0323\u0331" * 40,
    "one letter, many marks": "a" + "\u0301" * 90_000,
}


def text_layers(board: Storyboard) -> list[Placed]:
    """Find the texts of the first scene."""
    return [layer for layer in Composer(board).placed(0) if layer.drawing.letterings()]


@pytest.mark.parametrize("kind", LONG)
def test_a_long_name_stays_inside_its_box(kind: str, tmp_path: Path) -> None:
    """It gets smaller, is wrapped, and at last broken; marks stay near their letters."""
    begun = time.process_time()
    board = hello(LONG[kind])
    for layer in text_layers(board):
        box, text = layer.part.box, layer.drawing.letterings()[0]
        assert text.size >= text.smallest
        assert box.x - 0.5 <= text.ink.x
        assert text.ink.x + text.ink.width <= box.x + box.width + 0.5
        assert box.y - 0.5 <= text.ink.y
        assert text.ink.y + text.ink.height <= box.y + box.height + 0.5
    assert_ink_inside(board, tmp_path)
    assert_stitched_as_composed(board, tmp_path)
    assert time.process_time() - begun < 10, "no name keeps a worker busy"


def assert_ink_inside(board: Storyboard, folder: Path) -> None:
    """Nothing is painted further from a text's box than half of its largest size."""
    scenery = frames.stitcher(board, folder).scenery(0)
    painted = scenery.still(60).y != scenery.backdrop.pictures[scenery.backdrop.shown[60]].y
    allowed = np.zeros_like(painted)
    for layer in text_layers(board):
        box, over = layer.part.box, layer.drawing.letterings()[0].size / 2
        rows = slice(max(round(box.y - over), 0), round(box.y + box.height + over))
        allowed[rows, max(round(box.x - over), 0) : round(box.x + box.width + over)] = True
    assert painted.any()
    assert not (painted & ~allowed).any()


BOUNDLESS = {
    "vowel signs": ("क" + "ा" * 500, "text_overflow"),
    "skin tones": ("👍" + "🏽" * 500, "text_overflow"),
    "joined women": ("\u200d".join("👩" * 500), "text_overflow"),
    "marks of direction": ("\u200f" * 500 + "Ana", "slot_invalid"),
    "loose jamo": ("ᄀ" * 30 + "ᅡ" * 30, "slot_invalid"),
    "cuneiform": ("𒐫" * 5, "missing_glyph"),
}
ODD = {
    "a mark without a letter": "\u0301\u0302Ana",
    "a vowel sign without a letter": "\u093eराम",
    "half a flag": "🇩🇪🇩",
    "enclosed": "a\u20dd\u20dd\u20dd",
    "whole sentences as one letter": "\ufdfa" * 40,
    "markup": "<b>O'Neill</b> & {{ plan }}",
}


@pytest.mark.parametrize("kind", BOUNDLESS)
def test_a_name_without_end_is_refused_with_its_slot(kind: str) -> None:
    """What counts as one character may be any number of them; never half of it is shown."""
    value, reason = BOUNDLESS[kind]
    with pytest.raises(RenderError) as caught:
        text_layers(hello(value))
    assert (caught.value.slot, caught.value.reason) == ("first_name", reason)


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_name_is_drawn_inside_of_its_box(kind: str, tmp_path: Path) -> None:
    """Letters that no orthography knows, and words of a language that is not ours."""
    board = hello(ODD[kind])
    assert_ink_inside(board, tmp_path)
    assert_stitched_as_composed(board, tmp_path)
