"""Renders a storyboard whole, with MoviePy: simple, and the measure for any quicker renderer."""

from collections.abc import Callable

import numpy as np
from moviepy import VideoClip
from moviepy.audio.AudioClip import AudioClip
from numpy.typing import NDArray
from proglog import ProgressBarLogger  # type: ignore[import-untyped]

from renderers.compose import Composer, Frame
from renderers.encode import Facts, placed, settle, verify
from renderers.layers.audio import RATE, Samples
from renderers.order import VIDEO, Made, Order
from renderers.quality.seen import FileSeen, SoundSeen
from renderers.sound import mix
from renderers.soundtrack import loudness

# pictures are drawn in full-range RGB; players of HD video expect limited-range bt709
_COLOURS = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,"
    "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
)
_RECIPE = ["-crf", "20", "-movflags", "+faststart", "-vf", _COLOURS]


def render_reference(order: Order) -> Made:
    """Compose and encode the whole video with its sound into `folder`/video.mp4."""
    board, composer = order.board, order.composer
    target = order.folder / VIDEO
    composer.rehearse()
    sound = mix(board)
    with placed(target) as work:
        clip = VideoClip(lambda t: _frame_at(composer, t), duration=board.duration)
        if sound is not None:
            clip = clip.with_audio(_heard(sound, board.duration))
        made = work / VIDEO
        clip.write_videofile(
            str(made),
            fps=board.fps,
            codec="libx264",
            preset="veryfast",
            threads=1,
            audio_codec="aac",
            audio_fps=RATE,
            audio_bitrate="128k",
            temp_audiofile=str(work / "sound.m4a"),
            pixel_format="yuv420p",
            ffmpeg_params=_RECIPE,
            logger=_Progress(order.progress) if order.progress else None,
        )
        facts = verify(made, board, sound=sound is not None)
        settle(made, target)
    order.tell(1.0)
    return Made(target, _seen(facts, sound))


def _seen(facts: Facts, sound: Samples | None) -> FileSeen:
    heard = None if sound is None else SoundSeen(*loudness(sound), len(sound) / RATE)
    return FileSeen(
        facts.frames, facts.seconds, facts.width, facts.height, sets_alike=True, sound=heard
    )


def _frame_at(composer: Composer, seconds: float) -> Frame:
    number = int(np.round(seconds * composer.board.fps))
    return composer.frame(min(number, composer.board.frames - 1))


def _heard(sound: Samples, seconds: float) -> AudioClip:
    """Offer samples to MoviePy; its own AudioArrayClip would keep them alive in a cycle."""

    def at(times: float | NDArray[np.float64]) -> Samples:
        index = np.round(np.asarray(times) * RATE).astype(int)
        heard: Samples = sound[np.clip(index, 0, len(sound) - 1)]
        return heard

    return AudioClip(at, duration=seconds, fps=RATE)


class _Progress(ProgressBarLogger):  # type: ignore[misc]
    """Passes MoviePy's progress with the pictures on as a share from 0 to 1."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        super().__init__()
        self._tell = progress

    def bars_callback(self, bar: str, attr: str, value: float, old_value: float = 0) -> None:
        """Hear of one more frame."""
        total = self.bars[bar].get("total")
        if bar == "frame_index" and attr == "index" and total:
            self._tell(min(value / total, 1.0))
