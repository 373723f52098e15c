"""Chooses the colours of a GIF once per template, and turns pixels into their numbers.

A palette is made from what a template shows to everybody: the brand's colours, the shades between
them in which letters end and fades run, and the pictures of the poster's scene. It is a pure
function of these, so that it does not matter whose video came first.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from renderers.compose import SceneComposer
from renderers.sheet import GIF_SIDE, Pixels, Sheet
from renderers.storyboard import Scene, Storyboard

Numbers = NDArray[np.uint8]
Colours = NDArray[np.uint8]  # rows of red, green and blue

CLEAR = 0  # the number of no colour: what lies below shows through
MOST = 255
_SHADES = 13
_PLAIN, _PLAIN_SHARE = 64, 0.001  # areas with a colour of their own, and their least size
_ALIKE = 8  # shades of two pairs that are nearer than this are not both needed
_SAME = 3  # what is nearer than this to a colour needs no other
_FAR, _FAR_SHARE = 20, 0.002  # a colour this far from all others, in more than so many pixels
_MANY = 8_192  # different colours
_CHUNK = 512  # rows of distances that stay close to the processor
_KEYS = 1 << 18  # six bits of each of blue, green and red
# what is written or drawn on what: between these colours shades are needed
_SHADED = (
    ("bg", ("ink", "muted", "accent", "panel")),
    ("panel", ("ink", "muted", "accent")),
    ("accent", ("on_accent", "ink")),
)


class Palette:
    """Up to 255 colours; numbers of colours that were asked for are remembered."""

    def __init__(self, colours: Colours) -> None:
        self.colours = colours
        self._numbers: Numbers = np.zeros(_KEYS, dtype=np.uint8)
        self._far = np.zeros(_KEYS, dtype=np.bool_)
        # an own colour must never become a shade that lies closer to the middle of its key
        for number, key in reversed(list(enumerate(_keys(_opaque(colours)), start=1))):
            self._numbers[key] = number

    def numbers(self, pixels: Pixels) -> Numbers:
        """Look up the nearest colour of each pixel."""
        keys = _keys(pixels)
        found = self._numbers.take(keys)
        if found.all():
            return found
        self._learn(keys)
        return self._numbers.take(keys)

    def covers(self, pixels: Pixels) -> bool:
        """Tell whether hardly any pixel is of a colour that the palette has nothing near to."""
        self.numbers(pixels)
        far = np.count_nonzero(self._far.take(_keys(pixels)))
        return bool(far <= _FAR_SHARE * pixels.shape[0] * pixels.shape[1])

    def to_bytes(self) -> bytes:
        """Store the colours, as a GIF has them: red, green and blue in turn."""
        return self.colours.tobytes()

    @staticmethod
    def from_bytes(stored: bytes) -> "Palette":
        """Read colours that `to_bytes` stored; what was looked up in them stays known."""
        return _read(stored)

    def _learn(self, keys: NDArray[np.intp]) -> None:
        asked = np.zeros(_KEYS, dtype=np.bool_)
        asked[keys] = True
        new = np.flatnonzero(asked & (self._numbers == CLEAR))
        middles = np.stack([new >> 12, new >> 6 & 63, new & 63], axis=1) * 4 + 1.5
        nearest, distances = _nearest(middles, self.colours)
        self._numbers[new] = nearest + 1
        self._far[new] = distances > _FAR**2


def palette_of(board: Storyboard) -> Palette:
    """Find the palette that all videos of a template share, making it when it is the first."""
    anybody = common_scene(board)
    complete = board.poster_frame - _poster_scene(board).start_frame
    return _shared(replace(board, scenes=(anybody,), poster_frame=complete, music=None))


def common_scene(board: Storyboard) -> Scene:
    """Leave out of the poster's scene what differs from video to video."""
    scene = _poster_scene(board)
    seen = zip(scene.layers, scene.personal, strict=True)
    layers = tuple(layer for layer, personal in seen if not (personal or layer.slots))
    return replace(
        scene,
        start_frame=0,
        title="",
        narration="",
        background=board.brand.colours.bg if scene.personal_background else scene.background,
        layers=layers,
        transition=None,
        personal=(False,) * len(layers),
    )


def _poster_scene(board: Storyboard) -> Scene:
    return next(
        scene for scene in reversed(board.scenes) if scene.start_frame <= board.poster_frame
    )


@lru_cache(maxsize=16)
def _read(stored: bytes) -> Palette:
    return Palette(np.frombuffer(stored, dtype=np.uint8).reshape(-1, 3))


def own_palette(pictures: Iterable[Pixels]) -> Palette:
    """Choose colours from the pictures of one video alone."""
    shown, counts = _counted(np.ascontiguousarray(picture[::2, ::2]) for picture in pictures)
    return Palette(_filled_up(_plain(shown, counts), shown, counts))


@lru_cache(maxsize=16)
def _shared(board: Storyboard) -> Palette:
    sheet = Sheet(SceneComposer(board.scenes[0], board), board, GIF_SIDE)
    moments = {board.poster_frame, *range(0, min(board.fps, board.frames), max(board.fps // 3, 1))}
    shown, counts = _counted(sheet.draw(moment) for moment in sorted(moments))
    exact, shades = _brand_colours(board)
    exact = _apart(exact, _plain(shown, counts), 1)
    return Palette(_filled_up(_apart(exact, shades, _ALIKE**2 / 2), shown, counts))


def _brand_colours(board: Storyboard) -> tuple[Colours, Colours]:
    """List the brand's colours, and the shades between those that meet."""
    named = {name: _rgb(value) for name, value in board.brand.colours.model_dump().items()}
    scene = _rgb(board.scenes[0].background)
    pairs = [(named[below], named[above]) for below, tops in _SHADED for above in tops]
    pairs += [(scene, named[above]) for above in ("ink", "muted", "accent", "on_accent")]
    steps = np.linspace(0, 1, _SHADES + 2)[1:-1, None]
    shades = np.concatenate([low + (high - low) * steps for low, high in pairs])
    return np.stack([scene, *named.values()]).astype(np.uint8), shades.round().astype(np.uint8)


def _plain(shown: Colours, counts: NDArray[np.intp]) -> Colours:
    """Pick the colours of whole areas, the largest first: these must stay as they are."""
    largest = np.argsort(-counts, kind="stable")[:_PLAIN]
    plain: Colours = shown[largest[counts[largest] >= _PLAIN_SHARE * counts.sum()]]
    return plain


def _apart(kept: Colours, wanted: Colours, near: float) -> Colours:
    """Add colours to others, but none that hardly differs from one that is there."""
    for colour in wanted:
        if len(kept) < MOST and (not len(kept) or _nearest(colour[None], kept)[1][0] >= near):
            kept = np.concatenate([kept, colour[None]])
    return kept


def _filled_up(colours: Colours, shown: Colours, counts: NDArray[np.intp]) -> Colours:
    """Use the numbers that are left for what is shown and has no colour near to it yet."""
    new = np.full(len(shown), True)
    if len(colours):
        new = _nearest(shown, colours)[1] > _SAME**2
    left = MOST - len(colours)
    if not new.any() or not left:
        return colours
    row = np.repeat(shown[new], counts[new], axis=0)
    if np.count_nonzero(new) > _MANY:  # a photograph: a part of its pixels will do
        row = row[:: max(len(row) // _MANY, 1)]
    # cut at the medians of its colours
    flat = (
        Image.fromarray(row[None]).quantize(left, method=Image.Quantize.MEDIANCUT).getpalette()
        or []
    )
    more = np.array(flat[: 3 * left], dtype=np.uint8).reshape(-1, 3)
    return np.concatenate([colours, more])


def _counted(pictures: Iterable[Pixels]) -> tuple[Colours, NDArray[np.intp]]:
    """List the colours of pictures, each once, and how many pixels have them."""
    packed = np.concatenate([picture.view("<u4").ravel() & 0xFFFFFF for picture in pictures])
    found, counts = np.unique(packed, return_counts=True)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    return colours.astype(np.uint8), counts


def _keys(pixels: Pixels) -> NDArray[np.intp]:
    """Join the upper six bits of blue, green and red into one number."""
    packed = pixels.view("<u4")[..., 0]
    keys = packed >> 4
    keys &= 0xFC0
    keys |= (packed >> 2) & 0x3F
    keys |= (packed >> 6) & 0x3F000
    return keys.astype(np.intp)


def _opaque(colours: Colours) -> Pixels:
    return np.ascontiguousarray(np.insert(colours[:, ::-1], 3, 255, axis=1))


def _rgb(value: str) -> NDArray[np.float64]:
    return np.array(list(bytes.fromhex(value[1:])), dtype=np.float64)


def _nearest(rows: NDArray[Any], colours: Colours) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find for each row which of the colours is nearest, and how far it is, squared."""
    points = np.insert(rows, 3, 1, axis=1).astype(np.float32)
    others = colours.astype(np.float32)
    # |p|² - 2rp, to which |r|² is missing; all of it is exact in 24 bits
    terms = np.concatenate([-2 * others.T, (others**2).sum(axis=1)[None]])
    nearest = np.empty(len(rows), dtype=np.intp)
    least = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _CHUNK):
        found = points[start : start + _CHUNK] @ terms
        best = found.argmin(axis=1)
        nearest[start : start + _CHUNK] = best
        least[start : start + _CHUNK] = found[np.arange(len(found)), best]
    return nearest, least + (points[:, :3] ** 2).sum(axis=1)
