"""Makes the moving preview: the complete poster, then its entrance, and so on without end."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from PIL import GifImagePlugin, Image

from renderers.compose import SceneComposer
from renderers.palette import CLEAR, Numbers, Palette, own_palette
from renderers.sheet import GIF_SIDE, Pixels, Sheet
from renderers.storyboard import Storyboard

GIF_BYTES = 500_000
GIF_SECONDS = 3.0
_HELD = 1.4  # seconds for which the complete picture is shown first
_RATE = 10  # pictures a second, as far as they differ
_END = b";"


@dataclass(frozen=True)
class Shown:
    """A frame of the scene and for how many hundredths of a second it is on screen."""

    frame: int
    hundredths: int


def moving_poster(board: Storyboard, scene: SceneComposer, palette: Palette) -> bytes:
    """Draw and write a GIF; one that grows too large is made again with fewer pictures."""
    complete = board.poster_frame - scene.scene.start_frame
    moments = _moments(scene, complete, board.fps)
    if any(layer.part.kind == "video" for layer in scene.placed):
        moments = _fewer(moments)  # a film's pictures have nothing in common: all would be too many
    sheet = Sheet(scene, board, GIF_SIDE)
    sheet.keep([moment.frame for moment in moments])
    if not palette.covers(sheet.draw(complete)):
        # the complete picture, and two on the way to it in which colours are mixed
        palette = own_palette(sheet.draw(one.frame) for one in moments[:: len(moments) // 3 or 1])
    content = _gif(sheet, palette, moments)
    while len(content) > GIF_BYTES and len(moments) > 1:
        moments = _fewer(moments)
        content = _gif(sheet, palette, moments)
    return content


def _moments(scene: SceneComposer, complete: int, fps: int) -> list[Shown]:
    """Choose frames that differ: the complete one, then those from the scene's beginning on."""
    goal = scene.state(complete)
    states: list[tuple[int, Hashable]] = []
    for index in range(round((GIF_SECONDS - _HELD) * _RATE)):
        frame = min(round(index * fps / _RATE), complete)
        states.append((frame, scene.state(frame)))
        if states[-1][1] == goal:
            break
    distinct = [index for index, (_, state) in enumerate(states) if _differs(states, index, state)]
    starts = [index * 100 // _RATE for index in distinct]
    ends = [*starts[1:], round((GIF_SECONDS - _HELD) * 100)]
    entrance = [
        Shown(states[index][0], end - start)
        for index, start, end in zip(distinct, starts, ends, strict=True)
    ]
    if [state for _, state in states] == [goal]:
        return [Shown(complete, round(GIF_SECONDS * 100))]
    return [Shown(complete, round(_HELD * 100)), *entrance]


def _differs(states: Sequence[tuple[int, Hashable]], index: int, state: Hashable) -> bool:
    return index == 0 or states[index - 1][1] != state


def _fewer(moments: Sequence[Shown]) -> list[Shown]:
    """Keep the complete picture and every second one after it, for twice the time."""
    first, rest = moments[0], moments[1:]
    if len(rest) < 2:
        return [Shown(first.frame, first.hundredths + sum(one.hundredths for one in rest))]
    pairs = [rest[max(end - 2, 0) : end] for end in range(len(rest), 0, -2)][::-1]
    return [first, *(Shown(p[-1].frame, sum(one.hundredths for one in p)) for p in pairs)]


@dataclass(frozen=True)
class Change:
    """What is different in a picture: numbers of colours, their upper left corner, how long."""

    numbers: Numbers
    corner: tuple[int, int]
    hundredths: int


def _gif(sheet: Sheet, palette: Palette, moments: Sequence[Shown]) -> bytes:
    pixels = sheet.draw(moments[0].frame).copy()
    changes = [Change(palette.numbers(pixels), (0, 0), moments[0].hundredths)]
    shown = changes[0].numbers.copy()
    for moment in islice(moments, 1, None):
        drawn = sheet.draw(moment.frame)
        box = _changed(pixels, drawn)
        if box is None:
            last = changes[-1]
            changes[-1] = Change(last.numbers, last.corner, last.hundredths + moment.hundredths)
            continue
        numbers = palette.numbers(np.ascontiguousarray(drawn[box]))
        changes.append(
            Change(
                np.where(numbers == shown[box], np.uint8(CLEAR), numbers),
                (box[1].start, box[0].start),
                moment.hundredths,
            )
        )
        shown[box] = numbers
        pixels[box] = drawn[box]
    return b"".join([_header(sheet.size, palette), *map(_block, changes), _END])


def _changed(before: Pixels, after: Pixels) -> tuple[slice, slice] | None:
    """Find the rectangle in which two pictures differ."""
    differs = before.view("<u4")[..., 0] != after.view("<u4")[..., 0]
    rows, columns = (np.flatnonzero(differs.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _header(size: tuple[int, int], palette: Palette) -> bytes:
    """Write size, colours (the first one is that of what shows through) and the endless loop."""
    bits = max(len(palette.colours).bit_length(), 1)
    table = bytes(3) + palette.to_bytes()
    screen = size[0].to_bytes(2, "little") + size[1].to_bytes(2, "little")
    flags = bytes([0xF0 | (bits - 1), CLEAR, 0])
    loop = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    return b"GIF89a" + screen + flags + table.ljust(3 << bits, b"\0") + loop


def _block(change: Change) -> bytes:
    """Pack one picture; what was there before it stays where it is clear."""
    picture = Image.fromarray(np.ascontiguousarray(change.numbers))
    packed: list[bytes] = GifImagePlugin.getdata(
        picture,
        change.corner,
        duration=change.hundredths * 10,
        transparency=CLEAR,
        disposal=1,
    )
    return b"".join(packed)
