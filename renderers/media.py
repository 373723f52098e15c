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
    (0, b"\x1aE\xdf\xa3", "webm"),
    (0, b"OggS", "ogg"),
    (8, b"WAVE", "wav"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
)


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
    if kind != wanted:
        known = " ".join(name for name, (of, _) in EXTENSIONS.items() if of == wanted)
        return f"is not a kind of {wanted} that can be used ({known})"
    found = sniff_file(path)
    if found not in formats:
        return f"is not what its name says: it holds {found or 'no known format'}"
    return None
