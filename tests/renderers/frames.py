"""Pictures to compare: as drawn, as decoded from a file, and as the reference composes them."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from renderers.compose import Composer
from renderers.mux import Film, write_mp4
from renderers.order import Order
from renderers.planes import Plane, Planes, blank
from renderers.recipe import Coder
from renderers.render import RENDERERS
from renderers.shelved import open_shelf
from renderers.stitch import Stitcher
from renderers.storyboard import Scene, Storyboard
from renderers.transitions import mix

Rows = NDArray[np.floating[Any]] | NDArray[np.uint8]
_BT709 = np.array([0.2126, 0.7152, 0.0722]) * (219 / 255)


def luma_of(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Convert red, green and blue to limited-range luma, by the formula of ITU-R BT.709."""
    luma: NDArray[np.float64] = frame[..., :3] @ _BT709 + 16
    return luma


def noise(one: Rows, other: Rows) -> float:
    """Add up the squared differences of pictures."""
    difference = (one.astype(np.float32) - other).ravel()
    return float(np.vdot(difference, difference))


def decibels(one: Rows, other: Rows) -> float:
    """Compare pictures: peak signal to noise ratio, 99 where they are equal."""
    error = noise(one, other) / one.size
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


def decoded(video: Path) -> list[Planes]:
    """Decode all frames of a file; what the decoder complains of is an error."""
    with av.open(str(video)) as film:
        film.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return [_planes(frame) for frame in film.decode(video=0)]


def _planes(frame: av.VideoFrame) -> Planes:
    rows = [
        np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    ]
    return Planes(*rows)


def stitcher(board: Storyboard, root: Path) -> Stitcher:
    """Make ready what the stitching renderer draws with."""
    return Stitcher(Composer(board), open_shelf(root, board), reuse=True)


def stitched(board: Storyboard, folder: Path, root: Path, *, reuse: bool = True) -> Path:
    """Render the video alone, without what is published beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    order = Order(Composer(board), folder, open_shelf(root, board), reuse)
    return RENDERERS["stitching"](order).video


def painted(stage: Stitcher, index: int) -> Iterator[Planes]:
    """Paint a scene's frames one over the other as the renderer does; like frames are one object.

    What a transition does to its first frames is left out.
    """
    scenery = stage.scenery(index)
    scenery.forget()
    picture = blank(stage.board.width, stage.board.height)
    last: object = None
    for frame in range(scenery.scene.frames):
        if scenery.state(frame) != last:
            last = scenery.state(frame)
            scenery.paint(picture, frame)
            kept = Planes(picture.y.copy(), picture.u.copy(), picture.v.copy())
        yield kept
    scenery.forget()


def drawn(stage: Stitcher) -> list[Planes]:
    """Draw every frame of a video as it goes into the encoder, transitions included."""
    frames: list[Planes] = []
    for index, scene in enumerate(stage.board.scenes):
        frames += _changed(stage, index, scene, list(painted(stage, index)))
    return frames


def _changed(stage: Stitcher, index: int, scene: Scene, frames: list[Planes]) -> list[Planes]:
    change = scene.transition
    if change is None:
        return frames
    before = stage.scenery(index - 1)
    old = before.still(before.scene.frames - 1)
    for step in range(change.frames):
        new = frames[step]
        frames[step] = Planes(
            mix(change.kind, old.y, new.y, step, change.frames),
            mix(change.kind, old.u, new.u, step, change.frames, halved=True),
            mix(change.kind, old.v, new.v, step, change.frames, halved=True),
        )
    return frames


def coded_whole(board: Storyboard, frames: Sequence[Planes], folder: Path) -> list[Planes]:
    """Encode every single frame by the locked recipe, and decode them again."""
    coder = Coder(board.width, board.height, board.fps)
    for frame in frames:
        coder.picture.copy_from(frame)
        coder.add()
    target = folder / "whole.mp4"
    write_mp4(target, Film([coder.finish()], board.width, board.height, board.fps), None)
    return decoded(target)


def lumas(frames: Sequence[Planes]) -> Plane:
    """Stack the luma planes of frames."""
    return np.stack([frame.y for frame in frames])


def moving(frames: Sequence[Planes]) -> tuple[slice, slice]:
    """Bound the rectangle in which frames differ from the first one."""
    first = frames[0].y
    different = np.zeros(first.shape, bool)
    for frame in {id(frame): frame for frame in frames}.values():
        different |= frame.y != first
    rows = np.flatnonzero(different.any(axis=1))
    columns = np.flatnonzero(different.any(axis=0))
    if not len(rows):
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


@contextmanager
def room() -> Iterator[Path]:
    """Offer a folder that disappears, where a test runs many times."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
