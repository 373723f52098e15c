"""Opens films and sounds from disk, nothing else, and tells which of them are cut off."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Stream

from renderers.errors import AssetError
from renderers.media import promised_bytes

MOST_PIXELS = 25_000_000
CUT_OFF = "is cut off: upload it again, whole"
AGAIN = "export it again"
# a list for FFmpeg: no playlists, no addresses, no formats that name other files
_FILMS = "mov,mp4,matroska,webm"
_SOUNDS = f"{_FILMS},m4a,mp3,ogg,wav,aac"
_SLACK = 64  # bytes by which writers are known to miscount
_HEAD = 256


def require(path: Path, name: str, *, sound: bool = False) -> None:
    """Raise AssetError for a film or a sound that is not on disk."""
    if not path.is_file():
        raise AssetError(f"{_kind(sound)} {name!r} is not there: add it.", reason="asset_missing")


@contextmanager
def opened(path: Path, name: str, *, sound: bool = False) -> Iterator[InputContainer]:
    """Open a film or a sound; whatever goes wrong while it is read names the file."""
    require(path, name, sound=sound)
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": _SOUNDS if sound else _FILMS,
        "max_pixels": str(MOST_PIXELS),
    }
    try:
        with path.open("rb") as file, av.open(file, mode="r", options=options) as container:
            yield container
    except (av.FFmpegError, OSError, ValueError, IndexError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise refused(name, f"is cut off or damaged ({why}): {AGAIN}", sound=sound) from error


def cut_off(container: InputContainer, stream: Stream, path: Path) -> bool | None:
    """Tell whether a file is shorter than it says; None when it does not say it."""
    size = path.stat().st_size
    if "mp4" in container.format.name:  # its index says where each packet lies
        return max((one.pos + one.size for one in stream.index_entries), default=0) > size
    with path.open("rb") as file:
        promised = promised_bytes(file.read(_HEAD))
    return None if promised is None else promised > size + _SLACK


def refused(name: str, why: str, *, sound: bool = False) -> AssetError:
    """Make the error for a film or a sound that cannot be used."""
    return AssetError(f"{_kind(sound)} {name!r} {why}.", reason="asset_invalid")


def _kind(sound: bool) -> str:
    return "Sound" if sound else "Film"
