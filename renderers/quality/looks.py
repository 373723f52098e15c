"""Judges pictures, and whether a layer keeps to the brand: its colours, its logo, its margins."""

from collections.abc import Iterator

from renderers.layers.stage import PictureUse
from renderers.parts import AnyPart, Box, ChartPart, ImagePart, ListPart, ShapePart
from renderers.quality.seen import LayerSeen
from renderers.quality.texts import drawn, named
from renderers.schema import SMALLEST_TEXT
from renderers.storyboard import Storyboard

Said = Iterator[tuple[str, str]]
LOGO = "brand:logo"
ENLARGED, BLURRED = 1.01, 2.0  # by its own pixels; at twice the size softness shows on any screen
TINY = 8  # pixels: what stands in for "no picture" in feeds is 1 x 1 or little more
LOGO_SMALLEST = SMALLEST_TEXT  # a logo's letters are no taller than the logo
_UNEVEN = 1.02
SAFE = 0.035  # of each side: EBU R 95, the area that screens and players may cover
_PIXEL = 1.0


def judge_pictures(layer: LayerSeen, board: Storyboard) -> Said:
    """Tell which pictures have too few pixels for the place they are drawn in."""
    for picture in layer.pictures:
        if max(picture.width, picture.height) <= TINY:
            yield (
                "picture_tiny",
                f"{_picture(layer, picture)} has only {picture.width}x{picture.height} pixels "
                "and looks as if it were missing: replace it.",
            )
            return
    if not layer.pictures:
        return
    worst = max(layer.pictures, key=_enlarged)
    factor = _enlarged(worst)
    if factor > ENLARGED:
        yield (
            "picture_blurred" if factor > BLURRED else "picture_enlarged",
            f"{_picture(layer, worst)} ({worst.width}x{worst.height} pixels) is drawn "
            f"{factor:.1f} times as large as it is: use a larger one.",
        )


def judge_logo(layer: LayerSeen, board: Storyboard) -> Said:
    """Tell whether the brand's logo is shown whole, in its shape, and large enough."""
    part = layer.part
    if not isinstance(part, ImagePart) or part.source != LOGO or not layer.pictures:
        return
    use = layer.pictures[0]
    across, down = use.drawn_width / use.width, use.drawn_height / use.height
    if max(across, down) > min(across, down) * _UNEVEN:
        yield "logo_distorted", 'The logo is stretched: use fit = "contain".'
    over = (
        use.drawn_width > part.box.width * _UNEVEN or use.drawn_height > part.box.height * _UNEVEN
    )
    if over:
        yield "logo_cropped", 'The logo is cut off at its box: use fit = "contain".'
    size = min(use.drawn_width, use.drawn_height) * 720 / min(board.width, board.height)
    if size < LOGO_SMALLEST:
        yield (
            "logo_small",
            f"The logo is {size:.0f} px high (at 720p); {LOGO_SMALLEST} are needed to be seen: "
            "enlarge its box.",
        )


def judge_place(layer: LayerSeen, board: Storyboard) -> Said:
    """Tell whether texts and the logo keep away from the edges of the picture."""
    scale = min(board.width, board.height) / 720
    margin = board.brand.margin * scale
    for name, box in _placed(layer):
        if _crosses(box, board, SAFE * board.width, SAFE * board.height):
            yield (
                "outside_safe_area",
                f"{name} stands so near to the edge that a screen or player may cover it: "
                "move the layer inwards.",
            )
            return
    for name, box in _placed(layer):
        if _crosses(box, board, margin, margin):
            yield "outside_margin", f"{name} reaches into the brand's margin."
            return


def judge_colours(layer: LayerSeen, board: Storyboard) -> Said:
    """Tell which colours are none of the brand's: they come from a slot."""
    colours = board.brand.colours
    branded = {str(colour).lower() for colour in colours.model_dump().values()}
    for colour in dict.fromkeys(_colours(layer)):
        if colour.lower() not in branded:
            yield (
                "colour_outside_brand",
                f"{colour} is not a colour of brand {board.brand.name!r}: it was given by a slot.",
            )


def _enlarged(picture: PictureUse) -> float:
    return max(picture.drawn_width / picture.width, picture.drawn_height / picture.height)


def _picture(layer: LayerSeen, picture: PictureUse) -> str:
    if layer.part.slots:
        return f"The picture of slot {layer.part.slots[0]!r}"
    return f"The picture {picture.name!r}"


def _placed(layer: LayerSeen) -> Iterator[tuple[str, Box]]:
    for text in layer.letterings:
        if text.text.strip():
            yield named(layer, text.text), drawn(text)
    part = layer.part
    if isinstance(part, ImagePart) and part.source == LOGO and layer.pictures:
        use, box = layer.pictures[0], part.box
        width, height = min(use.drawn_width, box.width), min(use.drawn_height, box.height)
        x, y = box.x + (box.width - width) / 2, box.y + (box.height - height) / 2
        yield "The logo", Box(x, y, width, height)


def _crosses(box: Box, board: Storyboard, across: float, down: float) -> bool:
    return (
        box.x < across - _PIXEL
        or box.y < down - _PIXEL
        or box.x + box.width > board.width - across + _PIXEL
        or box.y + box.height > board.height - down + _PIXEL
    )


def _colours(layer: LayerSeen) -> Iterator[str]:
    for text in layer.letterings:
        yield text.colour
    yield from filter(None, _painted(layer.part))


def _painted(part: AnyPart) -> tuple[str | None, ...]:
    match part:
        case ShapePart():
            return part.colour, part.to
        case ChartPart():
            return part.colour, part.track
        case ListPart():
            return part.plate, part.accent
    return (getattr(getattr(part, "plate", None), "colour", None),)
