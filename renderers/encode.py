"""Brings an encoded file into its place: whole and checked, or not at all."""

import errno
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import av

from renderers.errors import EncodeError
from renderers.storyboard import Storyboard

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = ("No space left", "Disk quota exceeded", "File too large", "File size limit")
_SPARE = 1_000_000  # bytes: with less than this left, a failed write is blamed on the disk


@dataclass(frozen=True)
class Facts:
    """What a finished file says about itself."""

    seconds: float
    width: int
    height: int
    frames: int
    video_codec: str
    audio_codec: str | None


@contextmanager
def placed(target: Path) -> Iterator[Path]:
    """Offer a folder for unfinished files beside a target; what it holds disappears at the end."""
    work = target.parent / f".{target.name}.{uuid4().hex[:8]}"
    try:
        work.mkdir(parents=True)
        yield work
    except (OSError, av.FFmpegError) as error:
        raise failure(error, work) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def settle(made: Path, target: Path) -> None:
    """Give a finished file its name in one step; whoever publishes it sees to it that it lasts."""
    made.replace(target)


def probe(path: Path) -> Facts:
    """Read what a video file says about itself."""
    # the index says it all; nothing of what follows has to be read or decoded
    options = {"probesize": "32"}
    with path.open("rb") as file, av.open(file, mode="r", options=options) as video:
        picture = video.streams.video[0]
        sound = video.streams.audio[0] if video.streams.audio else None
        return Facts(
            seconds=float((picture.duration or 0) * (picture.time_base or 0)),
            width=picture.width,
            height=picture.height,
            frames=picture.frames,
            video_codec=picture.codec_context.name,
            audio_codec=sound.codec_context.name if sound else None,
        )


def verify(path: Path, board: Storyboard, *, sound: bool) -> Facts:
    """Probe a file; raise unless it holds exactly the frames, size and sound of a storyboard."""
    try:
        facts = probe(path)
    except (av.FFmpegError, IndexError) as error:
        raise failure(error, path.parent) from error
    wanted = (board.width, board.height, board.frames, "h264", "aac" if sound else None)
    found = (facts.width, facts.height, facts.frames, facts.video_codec, facts.audio_codec)
    if found != wanted or abs(facts.seconds - board.duration) > 1 / board.fps:
        raise failure(ValueError(f"the file holds {found}, not {wanted}"), path.parent)
    return facts


def failure(error: Exception, work: Path) -> EncodeError:
    """Say in words why writing or encoding failed; a full disk is temporary."""
    if _is_full(error, work):
        return EncodeError(
            "There is no room left for videos: free space on the disk; the render is tried again.",
            reason="disk_full",
            temporary=True,
        )
    first = (str(error).strip().splitlines() or [type(error).__name__])[-1][:300]
    return EncodeError(f"The video could not be encoded: {first}", temporary=False)


def _is_full(error: Exception, work: Path) -> bool:
    if getattr(error, "errno", None) in _FULL:
        return True
    if any(word in str(error) for word in _FULL_WORDS):
        return True
    # ffmpeg may die without a word: look at the disk and at the limit on a file's size
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    sizes = [path.stat().st_size for path in work.glob("*")] if work.is_dir() else []
    if limit != resource.RLIM_INFINITY and max(sizes, default=0) + 65_536 >= limit:
        return True
    return shutil.disk_usage(work if work.is_dir() else work.parent).free < _SPARE
