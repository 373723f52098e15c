"""
Charts as SVG, drawn here, so that a page needs no script to show them.

What is drawn stretches with the page; words keep their size, because they stand outside of what is
stretched. Colours are the style sheet's: a chart names only classes, and no chart tells by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from markupsafe import Markup

from connector.measure.curves import BUCKETS, Finding, Placed

HEIGHT, TOP, PLOT = 264, 18, 190
BASE = TOP + PLOT
STRIP = 28
LETTER = 0.85  # percent of the width of a chart that one letter of a scene's name takes
TIERS = 3  # once, twice, more often
DOWN, UP = "M-6 0h12l-6 10z", "M-6 10h12l-6-10z"


def curve_chart(
    ident: str,
    *,
    plays: int,
    reach: Sequence[int],
    hits: Sequence[int],
    rewatched: Sequence[int],
    scenes: Sequence[Placed] = (),
    findings: Sequence[Finding] = (),
) -> Markup:
    """Draw reach as an area, plays as a line and rewatches as bars, over the length of the video."""
    whole = max(plays, 1)
    top = max(1.0, math.ceil(max(hits, default=0) / whole * 2) / 2)
    words = (
        f"Of {plays} views, per 1 % of the length: the share that saw it, at the start "
        f"{_percent(reach[:1], plays)}, in the middle {_percent(reach[49:50], plays)}, at the end "
        f"{_percent(reach[-1:], plays)}; how often it was played; how often it was played again."
    )
    parts = [
        *_grid(top),
        _stretched(
            "plot",
            TOP,
            PLOT,
            [
                _path("reach", _steps(reach, whole * top)),
                *(_bar(i, count / whole / top) for i, count in enumerate(rewatched) if count),
                _path("plays", _line(hits, whole * top)),
            ],
        ),
        *_scene_names(scenes),
        *_axis(),
        *(_mark(finding) for finding in findings),
    ]
    return _figure(ident, "curve", HEIGHT, "How far views come", words, parts)


def heat_strip(ident: str, title: str, counts: Sequence[int]) -> Markup:
    """Draw what one session watched: what was played more often is darker and taller."""
    seen = sum(1 for count in counts if count)
    again = sum(1 for count in counts if count > 1)
    words = f"{seen} of 100 parts were watched, {again} of them more than once."
    blocks = [
        _block(start, end, min(tier, TIERS)) for start, end, tier in _runs(counts[:BUCKETS]) if tier
    ]
    return _figure(ident, "heat", STRIP, title, words, [_stretched("plot", 0, STRIP, blocks)])


def _figure(
    ident: str, kind: str, height: int, title: str, words: str, parts: Iterable[Markup]
) -> Markup:
    return Markup(
        '<svg class="chart {kind}" width="100%" height="{height}" role="img" '
        'aria-labelledby="{ident}-title {ident}-words">'
        '<title id="{ident}-title">{title}</title><desc id="{ident}-words">{words}</desc>'
        "{inside}</svg>"
    ).format(
        kind=kind,
        height=height,
        ident=ident,
        title=title,
        words=words,
        inside=Markup("").join(parts),
    )


def _stretched(kind: str, y: int, height: int, parts: Iterable[Markup]) -> Markup:
    return Markup(
        '<svg class="{}" x="0" y="{}" width="100%" height="{}" '
        'viewBox="0 0 100 100" preserveAspectRatio="none">{}</svg>'
    ).format(kind, y, height, Markup("").join(parts))


def _grid(top: float) -> Iterator[Markup]:
    step = 0.5 if top <= 2 else math.ceil(top / 4)
    for number in range(math.floor(top / step) + 1):
        y = BASE - PLOT * number * step / top
        yield Markup('<line class="grid" x1="0" x2="100%" y1="{0:.1f}" y2="{0:.1f}"/>').format(y)
        if number:
            yield _text("scale", 0, y - 4, f"{number * step * 100:.0f} %", "start")


def _axis() -> Iterator[Markup]:
    for percent in (0, 25, 50, 75, 100):
        anchor = {0: "start", 100: "end"}.get(percent, "middle")
        yield _text("scale", percent, HEIGHT - 6, f"{percent} %", anchor)


def _scene_names(scenes: Sequence[Placed]) -> Iterator[Markup]:
    """Write each name in the middle of its scene; where it has no room, its number stands for it."""
    for number, scene in enumerate(scenes, 1):
        start, end = 100 * scene.start, 100 * scene.end
        if number > 1:
            yield Markup(
                '<line class="cut" x1="{0:.2f}%" x2="{0:.2f}%" y1="{1}" y2="{2}"/>'
            ).format(start, TOP, BASE + 26)
        middle = (start + end) / 2
        roomy = len(scene.name) * LETTER <= end - start
        yield _text("scene number" if roomy else "scene", middle, BASE + 20, str(number), "middle")
        if roomy:
            yield _text("scene name", middle, BASE + 20, scene.name, "middle")


def _mark(finding: Finding) -> Markup:
    place = finding.bucket + (0.5 if finding.kind == "peak" else 0)
    return Markup(
        '<svg class="mark {}" x="{:.1f}%" y="2" width="1" height="1"><path d="{}"/></svg>'
    ).format(finding.kind, place, UP if finding.kind == "peak" else DOWN)


def _text(kind: str, x: float, y: float, words: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{:.2f}%" y="{:.1f}" text-anchor="{}">{}</text>').format(
        kind, x, y, anchor, words
    )


def _path(kind: str, drawn: str) -> Markup:
    return Markup('<path class="{}" d="{}" vector-effect="non-scaling-stroke"/>').format(
        kind, drawn
    )


def _steps(numbers: Sequence[int], top: float) -> str:
    across = "".join(f"V{_y(number / top)}H{i + 1}" for i, number in enumerate(numbers))
    return f"M0 100{across}V100Z"


def _line(numbers: Sequence[int], top: float) -> str:
    points = [f"{i + 0.5} {_y(number / top)}" for i, number in enumerate(numbers)]
    return "M" + "L".join(points) if points else ""


def _bar(i: int, part: float) -> Markup:
    height = min(part, 1) * 100
    return Markup('<rect class="again" x="{}" y="{:.2f}" width=".7" height="{:.2f}"/>').format(
        i + 0.15, 100 - height, height
    )


def _block(start: int, end: int, tier: int) -> Markup:
    height = 40 + 30 * (tier - 1)
    return Markup('<rect class="tier{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        tier, start, 100 - height, end - start, height
    )


def _runs(counts: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    at = 0
    for tier, run in groupby(counts):
        length = len(list(run))
        yield at, at + length, tier
        at += length


def _y(part: float) -> str:
    return f"{100 - 100 * min(part, 1):.2f}".rstrip("0").rstrip(".")


def _percent(numbers: Sequence[int], whole: int) -> str:
    return f"{100 * numbers[0] / whole:.0f} %" if numbers and whole else "nothing"
