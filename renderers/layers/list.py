"""Draws rows with a picture or a mark, a title and a price, entering one after the other."""

from collections.abc import Hashable
from dataclasses import dataclass

import skia

from renderers.layers.image import draw_fitted
from renderers.layers.shape import draw_tick
from renderers.layers.stage import Stage, fill, rounded
from renderers.motion import ease_out
from renderers.parts import Box, ListPart, Row
from renderers.pictures import load_picture
from renderers.schema import SMALLEST_TEXT
from renderers.typography import Room, Setting, fit, fit_cut, line

TALLEST_ROW = 176.0  # pixels at 720p
TALLEST_ALONE = 264.0  # a single row may be more of a stage
ENTRANCE = 0.4  # seconds


@dataclass(frozen=True)
class RowDrawing:
    """One row, measured and set."""

    box: Box
    title: Setting
    price: Setting | None
    picture: skia.Image | None
    mark: Setting | None


@dataclass(frozen=True)
class ListDrawing:
    """All rows and the words for the rest."""

    part: ListPart
    stage: Stage
    rows: tuple[RowDrawing, ...]
    more: Setting | None
    more_y: float

    def state(self, frame: int) -> Hashable:
        """Name how far each row has come in."""
        return tuple(self._shown(index, frame) for index in range(len(self.rows) + 1))

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw every row where it stands in this frame."""
        for index, row in enumerate(self.rows):
            self._enter(canvas, row.box, self._shown(index, frame))
            self._draw_row(canvas, row)
            canvas.restore()
        if self.more:
            shown = self._shown(len(self.rows), frame)
            self._enter(canvas, self.part.box, shown)
            self.more.paint(canvas, self.part.box.x, self.more_y)
            canvas.restore()

    def _shown(self, index: int, frame: int) -> float:
        since = frame + 1 - index * self.part.stagger_frames
        return round(ease_out(since / (ENTRANCE * self.stage.fps)), 4)

    def _enter(self, canvas: skia.Canvas, box: Box, shown: float) -> None:
        canvas.saveLayerAlpha(None, round(255 * shown)) if shown < 1 else canvas.save()
        canvas.translate(0, (1 - shown) * 24 * self.stage.scale)

    def _draw_row(self, canvas: skia.Canvas, row: RowDrawing) -> None:
        part, box, scale = self.part, row.box, self.stage.scale
        if part.plate:
            canvas.drawRRect(rounded(box, 16 * scale), fill(part.plate))
        lead = _lead_box(part, box, scale)
        if row.picture:
            draw_fitted(canvas, row.picture, lead, "cover", 12 * scale, scale)
        elif part.pictures:
            self._draw_initial(canvas, row, lead)
        elif part.marker != "none":
            self._draw_marker(canvas, row, lead)
        self._draw_texts(canvas, row)

    def _draw_texts(self, canvas: skia.Canvas, row: RowDrawing) -> None:
        part, box, scale = self.part, row.box, self.stage.scale
        x, y = _title_x(part, box, scale), _middle(box, row.title)
        if row.price and _stacked(part, box, row.price, scale):
            y -= row.price.height / 2
            row.price.paint(canvas, x, y + row.title.height)
        elif row.price:
            right = box.x + box.width - _pad(part, scale) - row.price.width
            row.price.paint(canvas, right, _middle(box, row.price))
        row.title.paint(canvas, x, y)

    def _draw_initial(self, canvas: skia.Canvas, row: RowDrawing, lead: Box) -> None:
        """Stand in for a picture that one row of several lacks."""
        canvas.drawRRect(rounded(lead, 12 * self.stage.scale), fill(self.part.accent, 0.14))
        if row.mark:
            _centred(canvas, row.mark, lead)

    def _draw_marker(self, canvas: skia.Canvas, row: RowDrawing, lead: Box) -> None:
        x, y, radius = lead.x + lead.width / 2, lead.y + lead.height / 2, lead.width / 2
        canvas.drawCircle(x, y, radius, fill(self.part.accent))
        if row.mark:
            _centred(canvas, row.mark, lead)
        else:
            half = radius * 0.44
            inner = Box(x - half, y - half, 2 * half, 2 * half)
            draw_tick(canvas, inner, self.part.on_accent, radius * 0.2)


def set_up(part: ListPart, stage: Stage) -> ListDrawing:
    """Measure the rows and set their texts."""
    more = _set_more(part, stage)
    rest = more.height + part.gap if more else 0.0
    space = part.box.height - rest - part.gap * (len(part.rows) - 1)
    tallest = TALLEST_ROW if len(part.rows) > 1 else TALLEST_ALONE
    height = min(space / len(part.rows), tallest * stage.scale)
    block = height * len(part.rows) + part.gap * (len(part.rows) - 1) + rest
    top = part.box.y + (part.box.height - block) / 2
    boxes = [
        Box(part.box.x, top + index * (height + part.gap), part.box.width, height)
        for index in range(len(part.rows))
    ]
    rows = tuple(_set_row(part, stage, row, boxes[i], i + 1) for i, row in enumerate(part.rows))
    return ListDrawing(part, stage, rows, more, top + block - (more.height if more else 0))


def _set_more(part: ListPart, stage: Stage) -> Setting | None:
    style = stage.style(part.colour)
    return line(part.more, style, part.size * 0.9, slots=part.slots) if part.more else None


def _set_row(part: ListPart, stage: Stage, row: Row, box: Box, number: int) -> RowDrawing:
    price = None
    if row.price:
        bold = stage.style(part.colour, bold=True)
        price = line(row.price, bold, part.size, slots=part.slots)
    return RowDrawing(
        box,
        _set_title(part, stage, row, box, price),
        price,
        load_picture(row.path, slots=part.slots, name=row.picture or "") if row.path else None,
        _set_mark(part, stage, row, number),
    )


def _set_title(part: ListPart, stage: Stage, row: Row, box: Box, price: Setting | None) -> Setting:
    width = _text_width(part, box, stage.scale)
    stacked = price is not None and _stacked(part, box, price, stage.scale)
    if price and not stacked:
        width -= price.width + 24 * stage.scale
    height = box.height - (price.height if price and stacked else 0)
    room = Room(width, height, part.size, min(part.size, SMALLEST_TEXT * stage.scale), 3)
    setter = fit_cut if part.cut else fit
    return setter(row.title, stage.style(part.colour), room, slots=part.slots)


def _text_width(part: ListPart, box: Box, scale: float) -> float:
    return box.x + box.width - _title_x(part, box, scale) - _pad(part, scale)


def _stacked(part: ListPart, box: Box, price: Setting, scale: float) -> bool:
    """Decide whether the price goes under the title because beside it there is no room."""
    return _text_width(part, box, scale) - price.width < 480 * scale


def _set_mark(part: ListPart, stage: Stage, row: Row, number: int) -> Setting | None:
    if part.pictures:
        initial = next((char for char in row.title if char.isalnum()), "•")
        return line(initial.upper(), stage.style(part.accent, bold=True), part.size * 1.2)
    if part.marker == "number":
        return line(str(number), stage.style(part.on_accent, bold=True), part.size * 0.8)
    return None


def _centred(canvas: skia.Canvas, setting: Setting, box: Box) -> None:
    x = box.x + (box.width - setting.width) / 2
    setting.paint(canvas, x, _middle(box, setting))


def _pad(part: ListPart, scale: float) -> float:
    return 24 * scale if part.plate else 0.0


def _lead_box(part: ListPart, box: Box, scale: float) -> Box:
    inset = 12 * scale
    side = box.height - 2 * inset if part.pictures else min(box.height * 0.62, part.size * 1.6)
    x = box.x + (inset if part.pictures else _pad(part, scale))
    return Box(x, box.y + (box.height - side) / 2, side, side)


def _title_x(part: ListPart, box: Box, scale: float) -> float:
    if not part.pictures and part.marker == "none":
        return box.x + _pad(part, scale)
    lead = _lead_box(part, box, scale)
    return lead.x + lead.width + 24 * scale


def _middle(box: Box, setting: Setting) -> float:
    return box.y + (box.height - setting.height) / 2
