"""Draws rows with a picture or a mark, a title and a price, entering one after the other."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import skia

from renderers.layers.image import draw_fitted, used
from renderers.layers.shape import draw_tick
from renderers.layers.stage import Lettering, PictureUse, Piece, Stage, fill, rounded
from renderers.motion import ease_out, stepped
from renderers.parts import Box, ListPart, Row
from renderers.pictures import load_picture
from renderers.schema import SMALLEST_TEXT
from renderers.typography import Room, Setting, fit, fit_cut, line

TALLEST_ROW = 176.0  # pixels at 720p
TALLEST_ALONE = 264.0  # a single row may be more of a stage
ENTRANCE = 0.4  # seconds
TINT = 0.14  # how much of the accent is behind an initial


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

    @property
    def pieces(self) -> Sequence[Piece]:
        """List the rows, then the words for the rest."""
        rows = [
            Piece(row.box, partial(self._draw_row, row=row), partial(self._shown, index))
            for index, row in enumerate(self.rows)
        ]
        if not self.more:
            return rows
        below = Box(self.part.box.x, self.more_y, self.more.width, self.more.height)
        return [*rows, Piece(below, self._draw_more, partial(self._shown, len(rows)))]

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw every piece where it stands in this frame."""
        for piece in self.pieces:
            shown, down = piece.shown(frame)
            canvas.saveLayerAlpha(None, round(255 * shown)) if shown < 1 else canvas.save()
            canvas.translate(0, down)
            piece.draw(canvas)
            canvas.restore()

    def letterings(self) -> Sequence[Lettering]:
        """List the texts of its rows, their marks, and the words for the rest."""
        found = [text for index in range(len(self.rows)) for text in self._written(index)]
        if self.more:
            ink = self.more.ink(self.part.box.x, self.more_y)
            found.append(_lettering(self.part.more, self.more, self.part.colour, ink))
        return found

    def pictures(self) -> Sequence[PictureUse]:
        """List the pictures of its rows."""
        part, scale = self.part, self.stage.scale
        return [
            used(
                words.picture or "",
                (row.picture.width(), row.picture.height()),
                _lead_box(part, row.box, scale),
                "cover",
                scale,
            )
            for words, row in zip(part.rows, self.rows, strict=True)
            if row.picture
        ]

    def _written(self, index: int) -> Iterator[Lettering]:
        part, row, words = self.part, self.rows[index], self.part.rows[index]
        title, price = self._places(row)
        room = (part.size, _smallest(part, self.stage.scale))
        ink = row.title.ink(*title)
        yield _lettering(words.title, row.title, part.colour, ink, on=part.plate, room=room)
        if row.price:
            ink = row.price.ink(*price)
            yield _lettering(words.price, row.price, part.colour, ink, on=part.plate, bold=True)
        if row.mark and not row.picture:
            lead = _lead_box(part, row.box, self.stage.scale)
            initial = part.pictures
            yield replace(
                _lettering(
                    _initial(words) if initial else str(index + 1),
                    row.mark,
                    part.accent if initial else part.on_accent,
                    row.mark.ink(*_centre(row.mark, lead)),
                    on=_tinted(part) if initial else part.accent,
                    bold=True,
                ),
                mark=True,
            )

    def _shown(self, index: int, frame: int) -> tuple[float, int]:
        since = frame + 1 - index * self.part.stagger_frames
        shown = stepped(ease_out(since / (ENTRANCE * self.stage.fps)))
        return shown, round((1 - shown) * 24 * self.stage.scale)

    def _draw_more(self, canvas: skia.Canvas) -> None:
        if self.more:
            self.more.paint(canvas, self.part.box.x, self.more_y)

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
        title, price = self._places(row)
        if row.price:
            row.price.paint(canvas, *price)
        row.title.paint(canvas, *title)

    def _places(self, row: RowDrawing) -> tuple[tuple[float, float], tuple[float, float]]:
        """Find where the title and the price of a row are painted."""
        part, box, scale = self.part, row.box, self.stage.scale
        x, y = _title_x(part, box, scale), _middle(box, row.title)
        if row.price is None:
            return (x, y), (x, y)
        if _stacked(part, box, row.price, scale):
            y -= row.price.height / 2
            return (x, y), (x, y + row.title.height)
        right = box.x + box.width - _pad(part, scale) - row.price.width
        return (x, y), (right, _middle(box, row.price))

    def _draw_initial(self, canvas: skia.Canvas, row: RowDrawing, lead: Box) -> None:
        """Stand in for a picture that one row of several lacks."""
        canvas.drawRRect(rounded(lead, 12 * self.stage.scale), fill(self.part.accent, TINT))
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
    room = Room(width, height, part.size, _smallest(part, stage.scale), 3)
    setter = fit_cut if part.cut else fit
    return setter(row.title, stage.style(part.colour), room, slots=part.slots)


def _smallest(part: ListPart, scale: float) -> float:
    return min(part.size, SMALLEST_TEXT * scale)


def _text_width(part: ListPart, box: Box, scale: float) -> float:
    return box.x + box.width - _title_x(part, box, scale) - _pad(part, scale)


def _stacked(part: ListPart, box: Box, price: Setting, scale: float) -> bool:
    """Decide whether the price goes under the title because beside it there is no room."""
    return _text_width(part, box, scale) - price.width < 480 * scale


def _set_mark(part: ListPart, stage: Stage, row: Row, number: int) -> Setting | None:
    if part.pictures:
        return line(_initial(row), stage.style(part.accent, bold=True), part.size * 1.2)
    if part.marker == "number":
        return line(str(number), stage.style(part.on_accent, bold=True), part.size * 0.8)
    return None


def _initial(row: Row) -> str:
    return next((char for char in row.title if char.isalnum()), "•").upper()


def _centred(canvas: skia.Canvas, setting: Setting, box: Box) -> None:
    setting.paint(canvas, *_centre(setting, box))


def _centre(setting: Setting, box: Box) -> tuple[float, float]:
    return box.x + (box.width - setting.width) / 2, _middle(box, setting)


def _tinted(part: ListPart) -> str | None:
    """Compute the colour behind an initial; without a plate it depends on what is below."""
    if part.plate is None:
        return None
    plate, accent = bytes.fromhex(part.plate[1:]), bytes.fromhex(part.accent[1:])
    mixed = (round(a + (b - a) * TINT) for a, b in zip(plate, accent, strict=True))
    return f"#{bytes(mixed).hex()}"


def _lettering(
    text: str,
    setting: Setting,
    colour: str,
    ink: Box,
    *,
    on: str | None = None,
    bold: bool = False,
    room: tuple[float, float] | None = None,
) -> Lettering:
    largest, smallest = room or (setting.size, setting.size)
    return Lettering(text, setting.size, largest, smallest, colour, bold, ink, on, cut=setting.cut)


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
