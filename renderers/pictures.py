"""Decodes pictures with Skia's codecs, within bounds: they may come from anybody's record."""

from collections.abc import Sequence
from pathlib import Path

import skia

from renderers.errors import AssetError
from renderers.media import PICTURE_FORMATS, sniff

MOST_PIXELS = 25_000_000
MOST_BYTES = 25_000_000


def load_picture(path: Path, *, slots: Sequence[str] = (), name: str = "") -> skia.Image:
    """Decode a whole picture (the first frame of an animated one), or raise AssetError."""
    slot, name = (slots[0] if slots else None), name or path.name
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise AssetError(
            f"Picture {name!r} cannot be read: {error.strerror}.", reason="asset_missing", slot=slot
        ) from error
    why, image = _decode(data) if data is not None else (f"is above {MOST_BYTES:,} bytes", None)
    if image is None:
        raise AssetError(f"Picture {name!r} {why}: replace it.", reason="asset_invalid", slot=slot)
    return image


def _decode(content: bytes) -> tuple[str, skia.Image | None]:
    if sniff(content[:16]) not in PICTURE_FORMATS:
        return f"is no {', '.join(sorted(PICTURE_FORMATS))} file", None
    data = skia.Data.MakeWithCopy(content)
    try:
        codec = skia.Codec.MakeFromData(data)
    except RuntimeError:  # skia-python's way to say that no codec wants the bytes
        return "is damaged", None
    width, height = codec.dimensions().width(), codec.dimensions().height()
    if width * height > MOST_PIXELS:
        return f"has {width}x{height} pixels; {MOST_PIXELS:,} are allowed", None
    image = _pixels(codec, width, height)
    if image and codec.getOrigin() != skia.kTopLeft_EncodedOrigin:
        image = skia.Image.MakeFromEncoded(data).makeRasterImage()  # turned as EXIF says
    return "is cut off or damaged", image


def _pixels(codec: skia.Codec, width: int, height: int) -> skia.Image | None:
    """Decode into sRGB; unlike an image, a codec tells when a file ends too early."""
    info = skia.ImageInfo.MakeN32Premul(width, height, skia.ColorSpace.MakeSRGB())
    pixels = bytearray(4 * width * height)
    if codec.getPixels(info, pixels, 4 * width) != skia.Codec.kSuccess:
        return None
    return skia.Image.MakeRasterCopy(skia.Pixmap(info, pixels, 4 * width))
