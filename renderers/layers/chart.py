"""Draws numbers as bars, a line, or progress towards a total, growing once and then at rest."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import skia

from renderers.layers.stage import Lettering, PictureUse, Stage, fill, rect, rounded, stroke
from renderers.motion import ease_out
from renderers.parts import Box, ChartPart
from renderers.typography import Setting, line


@dataclass(frozen=True)
class ChartDrawing:
    """A chart with its labels set; `plot` is where the numbers are drawn."""

    part: ChartPart
    stage: Stage
    plot: Box
    labels: tuple[Setting | None, ...]
    last_value: Setting | None

    def state(self, frame: int) -> Hashable:
        """Name how far it has grown."""
        return self.grown(frame)

    def grown(self, frame: int) -> float:
        """Compute how much of the numbers is shown, from 0 to 1."""
        return round(256 * ease_out((frame + 1) / self.part.grow_frames)) / 256

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw the chart as far as it has grown."""
        _CHARTS[self.part.chart](canvas, self, self.grown(frame))

    def letterings(self) -> Sequence[Lettering]:
        """List the labels that are shown, and the last value."""
        part = self.part
        texts = [*(point.label for point in part.points), part.points[-1].text]
        return [
            Lettering(
                texts[index],
                label.size,
                label.size,
                label.size,
                part.ink,
                label is self.last_value,
                label.ink(x, y),
            )
            for index, label, x, y in _places(self)
        ]

    def pictures(self) -> Sequence[PictureUse]:
        """Say that a chart shows no picture."""
        return ()


def set_up(part: ChartPart, stage: Stage) -> ChartDrawing:
    """Set the labels and find the room for the numbers."""
    if part.chart in ("progress", "ring"):
        return ChartDrawing(part, stage, part.box, (), None)
    style = stage.style(part.ink)
    texts = [point.label for point in part.points]
    labels = [line(text, style, part.size, slots=part.slots) if text else None for text in texts]
    value = part.points[-1].text
    bold = stage.style(part.ink, bold=True)
    above = line(value, bold, part.size * 1.2, slots=part.slots) if value else None
    top = part.size * 1.2 * 1.2 + 8 * stage.scale if above else 0.0
    bottom = part.size * 1.2 + 8 * stage.scale
    box = part.box
    plot = Box(box.x, box.y + top, box.width, box.height - top - bottom)
    return ChartDrawing(part, stage, plot, tuple(_that_fit(labels, box.width)), above)


def _that_fit(labels: Sequence[Setting | None], width: float) -> list[Setting | None]:
    """Keep all labels if they stand apart, else only the first and the last."""
    slot = width / len(labels)
    if all(label is None or label.width <= slot * 0.92 for label in labels):
        return list(labels)
    ends = (0, len(labels) - 1)
    return [label if index in ends else None for index, label in enumerate(labels)]


def _range(part: ChartPart) -> tuple[float, float]:
    values = [point.value for point in part.points]
    low, high = min(0.0, *values), max(0.0, *values)
    return low, (high if high > low else low + 1)


def _heights(chart: ChartDrawing) -> tuple[list[float], float]:
    """Compute where each value lies in the plot, and where zero lies."""
    low, high = _range(chart.part)
    bottom = chart.plot.y + chart.plot.height

    def at(value: float) -> float:
        return bottom - (value - low) / (high - low) * chart.plot.height

    return [at(point.value) for point in chart.part.points], at(0.0)


def _bars(canvas: skia.Canvas, chart: ChartDrawing, grown: float) -> None:
    tops, zero = _heights(chart)
    slot = chart.plot.width / len(tops)
    width = min(slot * 0.64, 96 * chart.stage.scale)
    for index, top in enumerate(tops):
        end = zero + (top - zero) * grown
        x = chart.plot.x + slot * index + (slot - width) / 2
        bar = Box(x, min(end, zero), width, max(abs(end - zero), 2 * chart.stage.scale))
        last = index == len(tops) - 1
        paint = fill(chart.part.colour if last else chart.part.track)
        canvas.drawRRect(rounded(bar, 8 * chart.stage.scale), paint)
    _write(canvas, chart, grown)


def _line(canvas: skia.Canvas, chart: ChartDrawing, grown: float) -> None:
    tops, zero = _heights(chart)
    xs = _centres(chart)
    path = skia.Path()
    path.moveTo(xs[0], tops[0])
    for x, y in zip(xs[1:], tops[1:], strict=True):
        path.lineTo(x, y)
    canvas.save()
    reach = xs[0] + (xs[-1] - xs[0]) * grown + 12 * chart.stage.scale
    canvas.clipRect(skia.Rect.MakeLTRB(0, 0, reach, 1e5))
    area = skia.Path(path)
    area.lineTo(xs[-1], zero)
    area.lineTo(xs[0], zero)
    area.close()
    canvas.drawPath(area, fill(chart.part.colour, 0.14))
    canvas.drawPath(path, stroke(chart.part.colour, 6 * chart.stage.scale))
    canvas.restore()
    if grown >= 1:
        canvas.drawCircle(xs[-1], tops[-1], 11 * chart.stage.scale, fill(chart.part.colour))
    _write(canvas, chart, grown)


def _centres(chart: ChartDrawing) -> list[float]:
    """Find the middle of each point's share of the width."""
    slot = chart.plot.width / len(chart.part.points)
    return [chart.plot.x + slot * (index + 0.5) for index in range(len(chart.part.points))]


def _write(canvas: skia.Canvas, chart: ChartDrawing, grown: float) -> None:
    """Write the labels under their points and the last value above its own."""
    for _, label, x, y in _places(chart):
        if label is chart.last_value:
            canvas.saveLayerAlpha(None, round(255 * grown**3))
            label.paint(canvas, x, y)
            canvas.restore()
        else:
            label.paint(canvas, x, y)


def _places(chart: ChartDrawing) -> Iterator[tuple[int, Setting, float, float]]:
    """Find where the labels stand, by their point's number, and then the last value."""
    xs = _centres(chart)
    below = chart.plot.y + chart.plot.height + 8 * chart.stage.scale
    for index, label in enumerate(chart.labels):
        if label:
            yield index, label, _kept_inside(chart, xs[index], label), below
    if chart.last_value:
        tops, zero = _heights(chart)
        y = min(tops[-1], zero) - 8 * chart.stage.scale - chart.last_value.height
        x = _kept_inside(chart, xs[-1], chart.last_value)
        yield len(xs), chart.last_value, x, y


def _kept_inside(chart: ChartDrawing, centre: float, setting: Setting) -> float:
    left, right = chart.part.box.x, chart.part.box.x + chart.part.box.width
    return max(left, min(centre - setting.width / 2, right - setting.width))


def _share(part: ChartPart) -> float:
    return min(max(part.points[0].value / part.total, 0.0), 1.0) if part.total > 0 else 0.0


def _progress(canvas: skia.Canvas, chart: ChartDrawing, grown: float) -> None:
    box, part = chart.plot, chart.part
    canvas.drawRRect(rounded(box, box.height), fill(part.track))
    width = box.width * _share(part) * grown
    if width > 0:
        done = Box(box.x, box.y, max(width, box.height), box.height)
        canvas.drawRRect(rounded(done, box.height), fill(part.colour))


def _ring(canvas: skia.Canvas, chart: ChartDrawing, grown: float) -> None:
    box, part = chart.plot, chart.part
    width = min(box.width, box.height) * 0.12
    side = min(box.width, box.height) - width
    x, y = box.x + (box.width - side) / 2, box.y + (box.height - side) / 2
    oval = rect(Box(x, y, side, side))
    canvas.drawArc(oval, 0, 360, False, stroke(part.track, width))
    sweep = 360 * _share(part) * grown
    if sweep > 0:
        canvas.drawArc(oval, -90, sweep, False, stroke(part.colour, width))


_CHARTS: dict[str, Callable[[skia.Canvas, ChartDrawing, float], None]] = {
    "bars": _bars,
    "line": _line,
    "progress": _progress,
    "ring": _ring,
}
