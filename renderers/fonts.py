"""Knows the packaged fonts: which families there are, in which order they are asked for a glyph.

Only packaged fonts are used, never those of the machine, so that a video looks the same anywhere.
"""

import hashlib
import unicodedata
from functools import lru_cache
from pathlib import Path

import skia
from skia import textlayout

from renderers.errors import RenderError

FOLDER = Path(__file__).parent / "fonts"
# Han characters look different in Japanese, Chinese and Korean: the locale decides who is first
_HAN_FIRST = {"ja": "noto-sans-jp", "zh": "noto-sans-sc", "ko": "noto-sans-kr"}
_HAN = ("noto-sans-jp", "noto-sans-sc", "noto-sans-kr")
EMOJI = "noto-color-emoji"
_DOTTED = ("tr", "az", "kk", "tt", "ba")
_ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))
_IGNORABLE = (
    range(0x00AD, 0x00AE),
    range(0x034F, 0x0350),
    range(0x061C, 0x061D),
    range(0x115F, 0x1161),
    range(0x17B4, 0x17B6),
    range(0x180B, 0x1810),
    range(0x200B, 0x2010),
    range(0x202A, 0x202F),
    range(0x2060, 0x2070),
    range(0xFE00, 0xFE10),
    range(0xFEFF, 0xFF00),
    range(0xE0000, 0xE1000),
)


@lru_cache(maxsize=1)
def typefaces() -> dict[str, list[skia.Typeface]]:
    """Load the packaged fonts by family, in this process, once."""
    found: dict[str, list[skia.Typeface]] = {}
    loader = skia.FontMgr.New_Custom_Empty()  # the default one would ask the machine's fontconfig
    for path in sorted(FOLDER.glob("*.ttf")):
        face = loader.makeFromFile(str(path))
        if face is not None:
            found.setdefault(path.stem.rpartition("-")[0], []).append(face)
    if not found:
        raise RenderError(
            "There are no fonts in renderers/fonts: run `make setup`.", reason="fonts_missing"
        )
    return found


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Identify the packaged fonts; a font's first bytes hold the checksums of all its tables."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.glob("*.ttf")):
        with path.open("rb") as file:
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + file.read(1024))
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def collection() -> textlayout.FontCollection:
    """Make the one collection that all paragraphs of this process are set with."""
    provider = textlayout.TypefaceFontProvider()
    for family, faces in typefaces().items():
        for face in faces:
            provider.registerTypeface(face, family)
    fonts = textlayout.FontCollection()
    fonts.setDefaultFontManager(provider)
    return fonts


def tongue(text: str, locale: str) -> str:
    """Tell what of a locale matters for how a text looks, so that alike pictures have one key.

    English letters look the same in all languages but the Turkic ones, whose i keeps its dot.
    """
    plain = text.translate(_ISOLATES)
    return "en" if plain.isascii() and locale[:2].lower() not in _DOTTED else locale


@lru_cache(maxsize=64)
def families(font: str, locale: str) -> tuple[str, ...]:
    """Order the families for a brand's font and a locale; emoji come last."""
    first = _HAN_FIRST.get(locale[:2].lower(), _HAN[0])
    han = (first, *(name for name in _HAN if name != first))
    others = [name for name in typefaces() if name not in (font, *_HAN, EMOJI)]
    if font not in typefaces():
        raise RenderError(
            f"The brand's font {font!r} is not in renderers/fonts.", reason="font_unknown"
        )
    return (font, *others, *han, EMOJI)


@lru_cache(maxsize=16384)
def covers(char: str) -> bool:
    """Tell whether some packaged font can draw a character (invisible ones need no glyph)."""
    code = ord(char)
    if unicodedata.category(char) in ("Cc", "Zl", "Zp") or any(code in r for r in _IGNORABLE):
        return True
    return any(faces[0].unicharToGlyph(code) for faces in typefaces().values())


def missing(text: str) -> list[str]:
    """List the characters of a text that no packaged font can draw."""
    return sorted({char for char in text if not covers(char)})
