"""Tells what a file is by its first bytes, because names and content types from outside lie."""

from pathlib import Path
from typing import Literal

MediaKind = Literal["image", "audio", "video"]

# extension -> (what it is for, formats that a file of this name may hold)
EXTENSIONS: dict[str, tuple[MediaKind, frozenset[str]]] = {
    ".png": ("image", frozenset({"png"})),
    ".jpg": ("image", frozenset({"jpeg"})),
    ".jpeg": ("image", frozenset({"jpeg"})),
    ".webp": ("image", frozenset({"webp"})),
    ".gif": ("image", frozenset({"gif"})),
    ".mp4": ("video", frozenset({"mp4"})),
    ".mov": ("video", frozenset({"mp4"})),
    ".webm": ("video", frozenset({"webm"})),
    ".m4a": ("audio", frozenset({"mp4"})),
    ".mp3": ("audio", frozenset({"mp3"})),
    ".ogg": ("audio", frozenset({"ogg"})),
    ".wav": ("audio", frozenset({"wav"})),
}

PICTURE_FORMATS = frozenset({"png", "jpeg", "webp", "gif"})

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"GIF8", "gif"),
    (8, b"WEBP", "webp"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mp4"),  # QuickTime from before there was a file type
    (4, b"mdat", "mp4"),
    (4, b"wide", "mp4"),
    (0, b"\x1aE\xdf\xa3", "webm"),
    (0, b"OggS", "ogg"),
    (8, b"WAVE", "wav"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xfa", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xf2", "mp3"),
)
_ENDLESS = 0xFFFF_FF00  # what is written while the end is not known yet
_SEGMENT = b"\x18\x53\x80\x67"


def sniff(head: bytes) -> str | None:
    """Name the format that the first bytes of a file announce, or None."""
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    return None


def sniff_file(path: Path) -> str | None:
    """Name the format of a file on disk by its first bytes, or None."""
    with path.open("rb") as file:
        return sniff(file.read(16))


def complaint(path: Path, wanted: MediaKind) -> str | None:
    """Say what is wrong with a file that a layer of this kind names, or None when it is fine."""
    if not path.is_file():
        return "is not there"
    kind, formats = EXTENSIONS.get(path.suffix.lower(), (None, frozenset()))
    if kind != wanted and (kind, wanted) != ("video", "audio"):  # a film may be listened to
        known = " ".join(name for name, (of, _) in EXTENSIONS.items() if of == wanted)
        return f"is not a kind of {wanted} that can be used ({known})"
    found = sniff_file(path)
    if found not in formats:
        return f"is not what its name says: it holds {found or 'no known format'}"
    return None


def promised_bytes(head: bytes) -> int | None:
    """Read from the first bytes of a WebM or WAV file how long it says it is, or None."""
    if head[:4] == b"RIFF":
        size = int.from_bytes(head[4:8], "little")
        return size + 8 if 0 < size < _ENDLESS else None
    size, at = _ebml_size(head, 4)
    segment = at + size
    if size < 0 or head[segment : segment + 4] != _SEGMENT:
        return None
    size, at = _ebml_size(head, segment + 4)
    return at + size if size >= 0 else None


def _ebml_size(head: bytes, at: int) -> tuple[int, int]:
    """Read a length that tells its own length by its leading zeros, and what follows it."""
    length = 9 - head[at].bit_length() if at < len(head) and head[at] else 9
    field = head[at : at + length]
    size = int.from_bytes(field, "big") & ((1 << 7 * length) - 1)
    unknown = length > 8 or len(field) < length or size == (1 << 7 * length) - 1
    return (-1 if unknown else size), at + length
