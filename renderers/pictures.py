"""Decodes pictures with Skia's codecs, within bounds: they may come from anybody's record."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import skia
from numpy.typing import NDArray

from renderers.errors import AssetError
from renderers.media import PICTURE_FORMATS, sniff

MOST_PIXELS = 25_000_000
MOST_BYTES = 25_000_000
_ACROSS, _DOWN = (2, 3, 6, 7), (3, 4, 7, 8)  # EXIF orientations that are flipped so


def load_picture(path: Path, *, slots: Sequence[str] = (), name: str = "") -> skia.Image:
    """Decode a whole picture (the first frame of an animated one), or raise AssetError."""
    slot, name = (slots[0] if slots else None), name or path.name
    codec, _data = _open(path, slot, name)
    image = _pixels(codec, codec.dimensions().width(), codec.dimensions().height())
    if image is None:
        raise _refused(name, "is cut off or damaged", slot)
    return image


def measure_picture(path: Path, *, slots: Sequence[str] = (), name: str = "") -> tuple[int, int]:
    """Tell width and height by a picture's head, without decoding it, or raise AssetError."""
    stamp = path.stat() if path.is_file() else None
    changed = (stamp.st_mtime_ns, stamp.st_size) if stamp else None
    return _measured(path, changed, slots[0] if slots else None, name or path.name)


@lru_cache(maxsize=64)
def _measured(path: Path, _changed: object, slot: str | None, name: str) -> tuple[int, int]:
    codec, _data = _open(path, slot, name)
    width, height = codec.dimensions().width(), codec.dimensions().height()
    return (height, width) if int(codec.getOrigin()) >= 5 else (width, height)


def _open(path: Path, slot: str | None, name: str) -> tuple[skia.Codec, skia.Data]:
    """Find the codec of a file; the data that it reads must be kept as long as it."""
    try:
        content = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise AssetError(
            f"Picture {name!r} cannot be read: {error.strerror}.", reason="asset_missing", slot=slot
        ) from error
    if content is None:
        raise _refused(name, f"is above {MOST_BYTES:,} bytes", slot)
    if sniff(content[:16]) not in PICTURE_FORMATS:
        raise _refused(name, f"is no {', '.join(sorted(PICTURE_FORMATS))} file", slot)
    try:
        data = skia.Data.MakeWithCopy(content)
        codec = skia.Codec.MakeFromData(data)
    except RuntimeError as error:  # skia-python's way to say that no codec wants the bytes
        raise _refused(name, "is damaged", slot) from error
    width, height = codec.dimensions().width(), codec.dimensions().height()
    if width * height > MOST_PIXELS:
        why = f"has {width}x{height} pixels; {MOST_PIXELS:,} are allowed"
        raise _refused(name, why, slot)
    return codec, data


def _refused(name: str, why: str, slot: str | None) -> AssetError:
    return AssetError(f"Picture {name!r} {why}: replace it.", reason="asset_invalid", slot=slot)


def _pixels(codec: skia.Codec, width: int, height: int) -> skia.Image | None:
    """Decode into sRGB; unlike an image, a codec tells when a file ends too early."""
    info = skia.ImageInfo.MakeN32Premul(width, height, skia.ColorSpace.MakeSRGB())
    pixels = np.empty((height, width, 4), dtype=np.uint8)
    if codec.getPixels(info, pixels, 4 * width) != skia.Codec.kSuccess:
        return None
    pixels = np.ascontiguousarray(_upright(pixels, int(codec.getOrigin())))
    height, width = pixels.shape[:2]
    return skia.Image.MakeRasterCopy(skia.Pixmap(info.makeWH(width, height), pixels, 4 * width))


def _upright(pixels: NDArray[np.uint8], origin: int) -> NDArray[np.uint8]:
    """Turn and flip as EXIF says, by its numbers from 1 (upright) to 8."""
    if origin >= 5:
        pixels = pixels.swapaxes(0, 1)
    return pixels[:: -1 if origin in _DOWN else 1, :: -1 if origin in _ACROSS else 1]
