"""Lets whoever draws a scene again use the pictures that were prepared, instead of the film."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import av
import skia
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from renderers.compose import Placed
from renderers.layers.stage import Lettering, PictureUse
from renderers.parts import Box, Timing, VideoPart
from renderers.planes import Planes
from renderers.recipe import view_of
from renderers.scenery import Backdrop


@dataclass(frozen=True)
class Prepared:
    """A drawing that shows the pictures of a backdrop."""

    backdrop: Backdrop
    scaler: VideoReformatter

    def state(self, frame: int) -> Hashable:
        """Number the picture that is shown."""
        return self.backdrop.shown[frame]

    def draw(self, canvas: skia.Canvas, frame: int) -> None:
        """Draw the picture of a frame, converted now, and made smaller first on a small canvas."""
        picture = self.backdrop.pictures[self.backdrop.shown[frame]]
        share = min(canvas.getTotalMatrix().getScaleX(), 1.0)
        canvas.save()
        canvas.scale(1 / share, 1 / share)
        canvas.drawImage(_converted(picture, self.scaler, share), 0, 0)
        canvas.restore()

    def letterings(self) -> Sequence[Lettering]:
        """List no texts: they were looked at before."""
        return ()

    def pictures(self) -> Sequence[PictureUse]:
        """List no pictures: they were looked at before."""
        return ()


def furnished(placed: Sequence[Placed], count: int, backdrop: Backdrop) -> Sequence[Placed]:
    """Put a backdrop in the place of the first layers of a scene, when there is a film in them."""
    behind = [layer.part for layer in placed[:count]]
    film = next((part for part in behind if isinstance(part, VideoPart)), None)
    if film is None:
        return placed
    picture = backdrop.pictures[0].y
    box = Box(0, 0, picture.shape[1], picture.shape[0])
    part = VideoPart(
        "video", box, Timing(0, len(backdrop.shown)), 1.0, (), film.source, film.path, "fill", 0, 0
    )
    return [Placed(part, Prepared(backdrop, VideoReformatter()), placed[0].scale), *placed[count:]]


def _converted(picture: Planes, scaler: VideoReformatter, share: float) -> skia.Image:
    height, width = picture.y.shape
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, rows in zip(frame.planes, (picture.y, picture.u, picture.v), strict=True):
        view_of(plane)[...] = rows
    shown = scaler.reformat(
        frame,
        width=round(width * share),
        height=round(height * share),
        format="rgba",
        src_colorspace=Colorspace.ITU709,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    return skia.Image.fromarray(shown.to_ndarray(), colorType=skia.kRGBA_8888_ColorType)
