"""
Tells a usable text from the junk that records hold.

"Hi NULL" or "Hi ," costs more trust than no name at all, so what a person would not have typed as
a value counts as missing and the campaign's `otherwise` stands in.
"""

from __future__ import annotations

import html
import re
import unicodedata

# words that hold a person's name, so that a shouted one is calmed down
NAMES = ("first_name", "last_name", "owner_name")
LONGEST = 2_000  # characters; a longer value is a mistake in the mapping, not a long name
ELLIPSIS = "…"
JUNK = frozenset({
    "null", "(null)", "none", "nan", "undefined", "unknown", "(unknown)", "n/a", "#n/a", "n.a.",
    "not available", "not provided", "test", "test test", "tbd", "blank", "(blank)", "empty",
    "[object object]", "#ref!", "#value!", "#name?",
})  # fmt: skip
_ZWJ, _SKIN = "\u200d", range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)
_WORD_START = re.compile(r"(^|[\s\-'’.])(\w)")


def usable_text(raw: str, *, name: bool = False) -> str | None:
    """Return a text as a person would have written it, or None when it is junk."""
    text = unicodedata.normalize("NFC", html.unescape(raw))
    text = " ".join(text.split())
    if not text or text.casefold() in JUNK or text.startswith("=") or not _says_something(text):
        return None
    return _calm(text) if name else text


def is_name(word: str | None) -> bool:
    """Tell whether a word holds a person's name."""
    return (word or "").rpartition(".")[2] in NAMES


def _says_something(text: str) -> bool:
    # letters, digits and symbols (emoji) say something; "-", "…" and invisible marks do not
    return any(unicodedata.category(char)[0] in "LNS" for char in text)


def _calm(name: str) -> str:
    """Write a shouted name as a name; initials such as JP stay."""
    if not name.isupper() or sum(char.isalpha() for char in name) <= 2:
        return name
    return _WORD_START.sub(lambda found: found[1] + found[2].upper(), name.lower())


def clusters(text: str) -> list[str]:
    """Split a text into what a reader sees as characters (marks and emoji sequences stay whole)."""
    found: list[str] = []
    previous, flags = "", 0
    for char in text:
        flags = flags + 1 if ord(char) in _FLAGS else 0
        joined = _ZWJ in (previous, char) or ord(char) in _SKIN or flags == 2
        joined = joined or unicodedata.category(char) in ("Mn", "Me", "Mc")
        if joined and found:
            found[-1] += char
        else:
            found.append(char)
        flags, previous = flags % 2, char
    return found


def shortened(text: str, longest: int) -> str:
    """Cut a text to as many visible characters as fit, the last of them an ellipsis."""
    seen = clusters(text)
    if len(seen) <= longest:
        return text
    return "".join(seen[: max(longest - 1, 0)]).rstrip() + ELLIPSIS
