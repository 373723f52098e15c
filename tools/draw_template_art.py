"""Draw the pictures of the packaged templates from plain forms, the same every time.

Run by hand when a template's look should change; what it writes is committed.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import skia

TEMPLATES = Path(__file__).resolve().parent.parent / "renderers" / "templates"

# template -> (paper, forms in the order of the digits 1-4 in a pattern)
PALETTES: dict[str, tuple[str, tuple[str, ...]]] = {
    "onboarding": ("#ece6da", ("#0b6b4b", "#15201b", "#8fbfa5", "#e3b23c")),
    "abandoned_cart": ("#f3e2d3", ("#b23a1e", "#2a1712", "#e9a178", "#efc65a")),
    "account_review": ("#16233a", ("#5ce0b8", "#2c4266", "#1f8f7a", "#8fa6cc")),
}

# the same on the accent, for scenes whose background it is: template -> (paper, forms)
DEEP: dict[str, tuple[str, tuple[str, ...]]] = {
    "onboarding": ("#0b6b4b", ("#095a3f", "#2a8565", "#0e7855", "#07452f")),
    "abandoned_cart": ("#b23a1e", ("#9c3018", "#c9573c", "#bd4529", "#852711")),
    "account_review": ("#5ce0b8", ("#49cca5", "#7deac9", "#6fe5c1", "#37b58f")),
}

# each tile: form, colour, turn; forms: q quarter, h half, o disc, l leaf, b block, r ring, . none
PATTERNS: dict[str, tuple[str, ...]] = {
    "onboarding": (
        "q10 l30 h21 o40",
        "l31 q12 b10 q33",
        "h20 o40 q11 l20",
        "q13 h31 l30 q12",
        "b30 q20 r10 h13",
        "o10 l11 q32 q21",
        "q31 h10 b20 l31",
        "l20 q43 q10 o30",
    ),
    "account_review": (
        "b20 .10 q10 l20",
        ".10 h23 r20 q31",
        "l30 q22 .10 b20",
        "q20 .10 h10 .10",
        ".10 o10 l21 q23",
        "r20 q32 .10 h21",
        "b30 .10 q21 l20",
        ".10 l20 o30 .10",
    ),
}


def paint(colour: str, *, line: float = 0.0) -> skia.Paint:
    """Make a paint that fills, or draws lines of a width."""
    made = skia.Paint(Color=skia.Color(*bytes.fromhex(colour[1:])), AntiAlias=True)
    if line:
        made.setStyle(skia.Paint.kStroke_Style)
        made.setStrokeWidth(line)
        made.setStrokeCap(skia.Paint.kRound_Cap)
        made.setStrokeJoin(skia.Paint.kRound_Join)
    return made


def _quarter(canvas: skia.Canvas, fill: skia.Paint) -> None:
    canvas.drawCircle(0, 0, 1, fill)


def _half(canvas: skia.Canvas, fill: skia.Paint) -> None:
    canvas.drawCircle(0.5, 0, 0.5, fill)


def _disc(canvas: skia.Canvas, fill: skia.Paint) -> None:
    canvas.drawCircle(0.5, 0.5, 0.36, fill)


def _leaf(canvas: skia.Canvas, fill: skia.Paint) -> None:
    canvas.save()
    path = skia.Path()
    path.addCircle(0, 0, 1)
    canvas.clipPath(path, skia.ClipOp.kIntersect, True)
    canvas.drawCircle(1, 1, 1, fill)
    canvas.restore()


def _block(canvas: skia.Canvas, fill: skia.Paint) -> None:
    canvas.drawRect(skia.Rect(0, 0, 1, 1), fill)


def _ring(canvas: skia.Canvas, fill: skia.Paint) -> None:
    ring = skia.Paint(fill)
    ring.setStyle(skia.Paint.kStroke_Style)
    ring.setStrokeWidth(0.2)
    canvas.drawCircle(0.5, 0.5, 0.34, ring)


FORMS: dict[str, Callable[[skia.Canvas, skia.Paint], None]] = {
    "q": _quarter,
    "h": _half,
    "o": _disc,
    "l": _leaf,
    "b": _block,
    "r": _ring,
}


def tiles(pattern: str, palette: tuple[str, tuple[str, ...]], side: int) -> skia.Image:
    """Draw a pattern of tiles."""
    paper, colours = palette
    rows = [row.split() for row in PATTERNS[pattern]]
    surface = skia.Surface(len(rows[0]) * side, len(rows) * side)
    canvas = surface.getCanvas()
    canvas.clear(paint(paper).getColor())
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            if tile[0] != ".":
                colour = colours[int(tile[1]) - 1]
                _tile(canvas, tile[0], colour, int(tile[2]), (x * side, y * side, side))
    return surface.makeImageSnapshot()


def _tile(
    canvas: skia.Canvas, form: str, colour: str, turn: int, place: tuple[int, int, int]
) -> None:
    x, y, side = place
    canvas.save()
    canvas.translate(x, y)
    canvas.scale(side, side)
    canvas.clipRect(skia.Rect(0, 0, 1, 1), True)
    canvas.rotate(90 * turn, 0.5, 0.5)
    FORMS[form](canvas, paint(colour))
    canvas.restore()


def bag(side: int) -> skia.Image:
    """Draw a shopping bag with a tag on a sunny disc."""
    paper, (deep, dark, soft, sun) = PALETTES["abandoned_cart"]
    surface = skia.Surface(side, side)
    canvas = surface.getCanvas()
    canvas.clear(paint(paper).getColor())
    canvas.scale(side / 100, side / 100)
    canvas.drawRect(skia.Rect(0, 80, 100, 100), paint(soft))
    canvas.translate(50, 52)
    canvas.scale(0.78, 0.78)
    canvas.translate(-50, -50)
    canvas.drawCircle(57, 38, 34, paint(sun))
    handle = skia.Path()
    handle.moveTo(38, 44)
    handle.cubicTo(38, 18, 62, 18, 62, 44)
    canvas.drawPath(handle, paint(dark, line=3.2))
    body = skia.Path()
    body.addPoly(
        [skia.Point(24, 40), skia.Point(76, 40), skia.Point(80, 86), skia.Point(20, 86)], True
    )
    canvas.drawPath(body, paint(deep))
    side_fold = skia.Path()
    side_fold.addPoly(
        [skia.Point(66, 40), skia.Point(76, 40), skia.Point(80, 86), skia.Point(70, 86)], True
    )
    canvas.drawPath(side_fold, paint("#8f2c15"))
    for x in (38, 62):
        canvas.drawCircle(x, 46, 1.7, paint(paper))
    canvas.drawArc(skia.Rect(34, 50, 58, 72), 20, 140, False, paint(paper, line=3))
    return surface.makeImageSnapshot()


def pictures() -> Sequence[tuple[str, skia.Image]]:
    """List all pictures with their places under renderers/templates."""
    patterns = [(f"{name}/tiles.png", tiles(name, PALETTES[name], 180)) for name in PATTERNS]
    deep = [(f"{name}/deep.png", tiles("onboarding", DEEP[name], 180)) for name in DEEP]
    return [*patterns, *deep, ("abandoned_cart/bag.png", bag(1440))]


def main() -> int:
    """Write all pictures as PNG."""
    for name, image in pictures():
        path = TEMPLATES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(image.encodeToData(skia.kPNG, 100)))
        print(f"{name}: {path.stat().st_size:,} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
