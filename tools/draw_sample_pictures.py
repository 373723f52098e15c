"""Draw the product pictures of the demo's shop as one series, the same every time.

Run by hand when the look should change; what it writes is committed. Each picture is a list of
forms on a square of 100 units, lit from the upper left and standing on the same line.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import skia

PICTURES = Path(__file__).resolve().parent.parent / "connector" / "cli" / "sample" / "pictures"
SIDE = 640
FLOOR = 81.0  # where things stand
DIM, DARK, LIGHT, GLOW = "#20183c1c", "#20183c36", "#ffffff3c", "#ffffff73"


@dataclass(frozen=True)
class Form:
    """A filled form, or a line of a width; *inside* cuts it to the outline of another form."""

    colour: str
    path: str
    line: float = 0.0
    inside: str = ""


@dataclass(frozen=True)
class Picture:
    """A thing before its disc; *shadow* is half the width of its shadow on the floor."""

    paper: str
    disc: str
    shadow: float
    forms: Sequence[Form]


SHOE = (
    "M13 71 L15.5 47 Q16 42 20.5 43 Q27 46 34 41.5 Q38.5 38.5 42 34.5"
    " L53 47.5 Q60 55.5 74 57.5 Q88 60 88.5 71 Z"
)
SOLE = "M13 69 L88.5 69 Q91.5 69 91 72.5 Q90 78.5 82 78.5 L20 78.5 Q11 78.5 11 71.5 Q11 69 13 69 Z"
TRAIL_SHOE = (
    Form("#d9573f", "M18 79 L26 79 M33 79 L41 79 M48 79 L56 79 M63 79 L71 79 M78 78 L84 78", 4.0),
    Form("#173f45", "M36 42 Q38 31.5 43.5 31 Q46.5 31 47 34 L49 44 Z"),
    Form("#2f7377", SHOE),
    Form("#3f8a8c", "M13 71 L15.5 40 L44 32 L53 47.5 Q40 52 33 71 Z", inside=SHOE),
    Form("#e9a63f", "M33 72 Q42 54 60 53 L70 57.5 Q55 58 47 72 Z", inside=SHOE),
    Form("#20565b", "M71 72 Q72 63 80 56 L92 58 L92 72 Z", inside=SHOE),
    Form("#20565b", "M10 40 L22 42 Q20 58 25 72 L10 72 Z", inside=SHOE),
    Form("#f8f3ea", "M37.5 44 L46 38 M41.5 49 L50 43 M46 53.6 L54.5 48.2", 2.2),
    Form("#173f45", "M17 45 Q27 49 36 43 Q39.5 40.5 42 36.5", 2.8),
    Form("#f8f3ea", SOLE),
    Form(DIM, "M9 74 L93 74 L93 81 L9 81 Z", inside=SOLE),
)

BACK_SOCK = (
    "M46 16 L63 16 Q65 16 65 18 L64 47 Q64 51 67 53.5 L78 62.5 Q84 68 80 74 Q75.5 80 68.5 76.5"
    " L52 66 Q46 62 46 54 L44 18 Q44 16 46 16 Z"
)
SOCK = (
    "M24 21 L44 21 Q46 21 46 23 L45 53 Q45 57 48 59.5 L61 69 Q67 74 63.5 80 Q59.5 85.5 52 82"
    " L31 70 Q24 65.5 24 57 L22 23 Q22 21 24 21 Z"
)
WOOL_SOCKS = (
    Form("#b9654f", BACK_SOCK),
    Form("#e6c4ab", "M40 14 L68 14 L68 25 L40 25 Z", inside=BACK_SOCK),
    Form("#e6c4ab", "M77 58 L92 66 L84 84 L66 80 Q76 72 73 58 Z", inside=BACK_SOCK),
    Form("#9c4f3c", "M40 32 L68 32 M40 37 L68 37", 1.8, BACK_SOCK),
    Form("#cfa88e", "M50 17 L50 23.5 M54 17 L54 23.5 M58 17 L58 23.5 M62 17 L62 23.5", 1.0),
    Form(DARK, "M40 14 L49 14 L48.5 52 Q49 57 53 60 L68 72 L66 80 L40 80 Z", inside=BACK_SOCK),
    Form("#d07b60", SOCK),
    Form("#f8e9d8", "M18 18 L50 18 L50 30.5 L18 30.5 Z", inside=SOCK),
    Form("#f8e9d8", "M58 62 L76 72 L68 90 L48 86 Q58 78 55 62 Z", inside=SOCK),
    Form("#f8e9d8", "M18 54 L28 53 Q38 60 32 75 L18 74 Z", inside=SOCK),
    Form("#ab513d", "M18 37 L50 37 M18 42 L50 42", 1.8, SOCK),
    Form("#e2cab2", "M27 22.5 L27 29 M31 22.5 L31 29 M35 22.5 L35 29 M39 22.5 L39 29", 1.1),
    Form("#e2cab2", "M43 22.5 L43 29", 1.1),
    Form(DIM, "M41 18 L50 18 L48 58 L68 72 L64 79 L46 66 Q40 61 40.5 53 Z", inside=SOCK),
)

COAT = (
    "M36 27 Q50 33 64 27 Q72 29 76 36 L87 67 L77 71 L71 55 L72 80 Q50 84 28 80 L29 55 L23 71"
    " L13 67 L24 36 Q28 29 36 27 Z"
)
HOOD = "M34 31 Q32 15 50 15 Q68 15 66 31 Q59 38 50 38 Q41 38 34 31 Z"
RAIN_JACKET = (
    Form("#efb73e", COAT),
    Form("#d99a24", "M71 30 L90 66 L77 72 L70 50 Z", inside=COAT),
    Form("#d99a24", "M29 50 L34 40 L29 66 Z M71 50 L66 40 L71 66 Z", inside=COAT),
    Form(DIM, "M50 30 L80 30 L72 84 L50 84 Z", inside=COAT),
    Form("#f5c759", HOOD),
    Form("#8a5a14", "M40 30 Q40 20 50 20 Q60 20 60 30 Q56 34.5 50 34.5 Q44 34.5 40 30 Z"),
    Form("#f8f3ea", "M50 38 L50 81.5", 1.8),
    Form("#f8f3ea", "M46 36 L44.5 46 M54 36 L55.5 46", 1.2),
    Form("#c4861a", "M34 62 L42.5 59.5 M66 62 L57.5 59.5", 2.2),
    Form("#f8f3ea", "M28 75 Q50 79 72 75", 1.6, COAT),
    Form("#c4861a", "M13.5 63.5 L23.5 67.5 M86.5 63.5 L76.5 67.5", 1.8, COAT),
)

PACK = "R29 24 42 57 17"
POCKET = "R34 54 32 22 7"
BACKPACK = (
    Form("#2e4f63", "M42 25 Q42 16 50 16 Q58 16 58 25", 3.4),
    Form("#2e4f63", "R24 52 12 25 6 R64 52 12 25 6"),
    Form("#4b86a3", PACK),
    Form(DIM, "M58 20 L76 20 L76 84 L58 84 Q66 60 58 20 Z", inside=PACK),
    Form("#3f7590", "M26 20 L74 20 L74 43 Q50 52 26 43 Z", inside=PACK),
    Form(LIGHT, "M35 40 Q34 30 41 27.5", 2.4),
    Form("#f1ead9", "M26 43.5 Q50 52.5 74 43.5", 1.6, PACK),
    Form("#5f9ab6", POCKET),
    Form(DIM, "M56 50 L70 50 L70 80 L56 80 Z", inside=POCKET),
    Form("#2e4f63", "M38 60.5 L62 60.5", 2.0),
    Form("#e9a63f", "M58 60.5 L58 65.5", 2.4),
    Form("#e9a63f", "R46 33 8 6 1.5"),
    Form("#b9772a", "M46 36 L54 36", 1.2),
    Form("#e9a63f", "M50 39 L50 53", 3.0),
)

MUG = "M25 36 L69 36 L67 73 Q66.5 80.5 59 80.5 L35 80.5 Q27.5 80.5 27 73 Z"
ENAMEL_MUG = (
    Form("#27406b", "M67 45 Q84 42 83.5 56 Q83 69 66 69", 5.6),
    Form("#f4f0e6", "M67 45 Q84 42 83.5 56 Q83 69 66 69", 3.0),
    Form("#f4f0e6", MUG),
    Form("#c8553d", "M20 68 L36 50 L45 60 L54 46 L74 68 L74 84 L20 84 Z", inside=MUG),
    Form("#a8412d", "M54 46 L74 68 L74 84 L62 84 Q62 62 54 46 Z", inside=MUG),
    Form("#f0b94b", "O39 46 4.2"),
    Form("#27406b", "M20 76.5 L74 76.5 L74 84 L20 84 Z", inside=MUG),
    Form(DIM, "M56 34 L72 34 L72 84 L56 84 Q61 60 56 34 Z", inside=MUG),
    Form(GLOW, "M30.5 44 L32 64", 2.2),
    Form("#27406b", "E47 36 23.5 5.6"),
    Form("#e4ddcc", "E47 36 20 3.8"),
    Form("#6d4630", "E47 37.2 17.2 2.5"),
)

SHADE = "M29 21 Q31 18 34.5 19.5 L49 28 Q52 30 50.5 33.5 L40 51 L17.5 38 Z"
DESK_LAMP = (
    Form("#fff3b84d", "M18.5 38.5 L39.5 50.5 L37 80.5 L10 80.5 Z"),
    Form("#fff3b866", "M22.5 41 L36 48.5 L31 80.5 L15.5 80.5 Z"),
    Form("#3c3a5f", "M46 26 L70 38 L58 76", 4.0),
    Form("#6a67a0", "M46 25.4 L69 37", 1.0),
    Form("#d8a43c", "O70 38 4.6"),
    Form("#3c3a5f", "O70 38 1.8"),
    Form("#fbe7a1", "E30 45.5 6 6"),
    Form("#7d6bb5", SHADE),
    Form("#9788ca", "M29 21 Q31 17 35 19 L39 21.5 L23 41.5 L16 38 Z", inside=SHADE),
    Form("#5f4f96", "M44 25 L52 30 L41 52 L33 47 Z", inside=SHADE),
    Form("#4b3d7d", "M17.5 38 L40 51", 2.6),
    Form("#3c3a5f", "M43 81 Q43 73.5 51 73.5 L67 73.5 Q75 73.5 75 81 Z"),
    Form(LIGHT, "M50 76 L66 76", 1.4),
)

HEADPHONES = (
    Form("#3b3f4e", "M24 58 L24 50 Q24 21 50 21 Q76 21 76 50 L76 58", 6.4),
    Form("#8f95a8", "M22.6 47 Q23.4 24.5 44 20.6", 1.2),
    Form("#f0c9b5", "M31 33 Q38 24 50 24 Q62 24 69 33", 3.4),
    Form("#2a2d39", "R25.5 50 13 27 6 R61.5 50 13 27 6"),
    Form("#df7f66", "R17 48 16 31 8"),
    Form("#c2634c", "M27 46 L35 46 L35 82 L27 82 Z", inside="R17 48 16 31 8"),
    Form("#df7f66", "R67 48 16 31 8"),
    Form("#c2634c", "M77 46 L85 46 L85 82 L77 82 Z", inside="R67 48 16 31 8"),
    Form(GLOW, "M21 56 L21 66", 2.0),
    Form(GLOW, "M71 56 L71 66", 2.0),
    Form("#3b3f4e", "M78.5 74 L78.5 74.1", 2.4),
)

COVER = "R28 19 46 62 5"
NOTEBOOK = (
    Form("#b9aa8c", "R32 21 46 60 4"),
    Form("#fbf6ea", "R30 20.5 46 59.5 4"),
    Form("#d8ccb2", "M75 26 L75 76 M76.6 26 L76.6 76", 0.6),
    Form("#d9573f", "M60 78 L60 89 L63 86.2 L66 89 L66 78 Z"),
    Form("#3f7d63", COVER),
    Form("#336a53", "M26 17 L36 17 L36 83 L26 83 Z", inside=COVER),
    Form("#5b9a7e", "M36.4 19 L36.4 81", 0.9),
    Form("#f4ecd8", "R43 31 18 13 2.5"),
    Form("#336a53", "M46.5 35.5 L57.5 35.5 M46.5 39.5 L53.5 39.5", 1.3),
    Form(LIGHT, "M40 19 L52 19 L38 60 L36.5 60 L36.5 28 Z", inside=COVER),
    Form("#e9b44c", "M67.5 19 L67.5 81", 2.4),
    Form(DIM, "M69.2 19 L69.2 81", 1.0),
)

FLASK = (
    "M38 34 Q38 29 43 28 L57 28 Q62 29 62 34 Q67 38 67 45 L67 74 Q67 81 60 81 L40 81"
    " Q33 81 33 74 L33 45 Q33 38 38 34 Z"
)
WATER_BOTTLE = (
    Form("#34404f", "M42 17 Q42 10.5 50 10.5 Q58 10.5 58 17", 3.0),
    Form("#34404f", "R41 16 18 10 3"),
    Form("#566478", "M44 18.5 L44 23.5 M48 18.5 L48 23.5 M52 18.5 L52 23.5 M56 18.5 L56 23.5", 1.1),
    Form("#c9d2d8", "R42.5 25 15 4 1"),
    Form("#3fa39a", FLASK),
    Form("#34908a", "M56 26 L70 26 L70 84 L56 84 Q61 60 56 26 Z", inside=FLASK),
    Form("#f4efe2", "M30 70 L43 54 L49 61 L56 51 L70 67 L70 72.5 L30 72.5 Z", inside=FLASK),
    Form("#dcd6c4", "M56 51 L70 67 L70 72.5 L60 72.5 Q60 60 56 51 Z", inside=FLASK),
    Form("#f0b94b", "O44.5 47.5 3"),
    Form("#2b736e", "M30 76.5 L70 76.5", 1.4, FLASK),
    Form(GLOW, "M37.5 44 L37.5 66", 2.0),
)

SERIES = {
    "trail-shoe": Picture("#f9ece1", "#f3d7c2", 40, TRAIL_SHOE),
    "wool-socks": Picture("#eaf0ee", "#cfe0da", 25, WOOL_SOCKS),
    "rain-jacket": Picture("#e8eef5", "#cbdcec", 27, RAIN_JACKET),
    "backpack": Picture("#f8efdd", "#f2dcb4", 28, BACKPACK),
    "enamel-mug": Picture("#e9eef3", "#ccdbe6", 25, ENAMEL_MUG),
    "desk-lamp": Picture("#efebf5", "#dad2ea", 22, DESK_LAMP),
    "headphones": Picture("#e9f0ec", "#cfe1d7", 31, HEADPHONES),
    "notebook": Picture("#f8ece6", "#f0d3c6", 27, NOTEBOOK),
    "water-bottle": Picture("#f8f0dc", "#f1dfb2", 20, WATER_BOTTLE),
}

STEPS: dict[str, tuple[int, Callable[..., object]]] = {
    "M": (2, skia.Path.moveTo),
    "L": (2, skia.Path.lineTo),
    "Q": (4, skia.Path.quadTo),
    "Z": (0, skia.Path.close),
    "O": (3, skia.Path.addCircle),
    "E": (4, lambda path, x, y, rx, ry: path.addOval(skia.Rect(x - rx, y - ry, x + rx, y + ry))),
    "R": (5, lambda path, x, y, w, h, r: path.addRoundRect(skia.Rect.MakeXYWH(x, y, w, h), r, r)),
}
APART = str.maketrans({letter: f" {letter} " for letter in STEPS})


def outline(written: str) -> skia.Path:
    """Read a path: M L Q Z as in SVG, O circle, E ellipse, R rounded rectangle."""
    path = skia.Path()
    words = iter(written.translate(APART).split())
    for word in words:
        count, step = STEPS[word]
        step(path, *(float(next(words)) for _ in range(count)))
    return path


def paint(colour: str, line: float = 0.0) -> skia.Paint:
    """Make a paint of #rrggbb or #rrggbbaa that fills, or draws lines of a width."""
    red, green, blue, alpha = bytes.fromhex(f"{colour[1:]}ff"[:8])
    made = skia.Paint(Color=skia.Color(red, green, blue, alpha), AntiAlias=True)
    if line:
        made.setStyle(skia.Paint.kStroke_Style)
        made.setStrokeWidth(line)
        made.setStrokeCap(skia.Paint.kRound_Cap)
        made.setStrokeJoin(skia.Paint.kRound_Join)
    return made


def draw(picture: Picture) -> skia.Image:
    """Draw a thing, its shadow and its disc."""
    # no alpha channel: the file is a fifth smaller
    size = skia.ImageInfo.MakeN32(SIDE, SIDE, skia.AlphaType.kOpaque_AlphaType)
    surface = skia.Surface.MakeRaster(size)
    canvas = surface.getCanvas()
    canvas.scale(SIDE / 100, SIDE / 100)
    canvas.clear(paint(picture.paper).getColor())
    canvas.drawCircle(50, 50, 42, paint(picture.disc))
    _shadow(canvas, picture.shadow)
    for form in picture.forms:
        _form(canvas, form)
    return surface.makeImageSnapshot()


def _shadow(canvas: skia.Canvas, half: float) -> None:
    # a few flat ovals look soft at this size and keep the file small
    for step in range(3):
        wide, high = half * (1.08 - step * 0.09), 3.9 - step * 0.8
        canvas.drawPath(outline(f"E 50 {FLOOR} {wide} {high}"), paint("#20183c14"))


def _form(canvas: skia.Canvas, form: Form) -> None:
    canvas.save()
    if form.inside:
        canvas.clipPath(outline(form.inside), skia.ClipOp.kIntersect, True)
    canvas.drawPath(outline(form.path), paint(form.colour, form.line))
    canvas.restore()


def main() -> int:
    """Write all pictures as PNG."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, picture in SERIES.items():
        path = PICTURES / f"{name}.png"
        path.write_bytes(bytes(draw(picture).encodeToData(skia.kPNG, 100)))
        print(f"{path.name}: {path.stat().st_size:,} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
