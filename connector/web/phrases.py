"""
The viewer's language: which words a page says, in which direction it reads.

The words stand in `phrases.toml`, so that a translator needs no Python.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from markupsafe import Markup, escape
from werkzeug.datastructures import LanguageAccept

from connector.web.player_words import player_words

FILE = Path(__file__).parent / "phrases.toml"
FALLBACK = "en"


@dataclass(frozen=True)
class Language:
    """One language of the pages: its tag for `lang`, its direction, its phrases."""

    tag: str
    direction: str
    phrases: dict[str, str]

    def say(self, phrase: str, /, **values: str) -> Markup:
        """Return a phrase as HTML; values are escaped and kept from turning the line around."""
        parts = {key: Markup("<bdi>{}</bdi>").format(value) for key, value in values.items()}
        return escape(self.phrases[phrase]).format(**parts)

    @property
    def player(self) -> dict[str, str]:
        """What the player's controls say, by the words that media-chrome knows them by."""
        return player_words(self.tag)

    def date(self, moment: int) -> str:
        """Return the day of a time in milliseconds, as this language writes it."""
        return format_date(datetime.fromtimestamp(moment / 1000, UTC), "long", locale=self.tag)


def language_of(locale: str) -> Language:
    """Return the language for a locale such as `pt_BR`, English where we lack it."""
    known = _parsed(locale)
    return _language(known.language if known else FALLBACK)


def language_asked(accept: LanguageAccept) -> Language:
    """Return the language that a browser would like best."""
    return _language(accept.best_match(list(_table()), FALLBACK) or FALLBACK)


def caption_language(locale: str) -> tuple[str, str]:
    """Return tag and own name of the language that a video's captions are written in."""
    known = _parsed(locale) or Locale(FALLBACK)
    return str(known).replace("_", "-"), (known.get_language_name() or str(known)).capitalize()


@cache
def _language(code: str) -> Language:
    table = _table()
    code = code if code in table else FALLBACK
    locale = Locale(code)
    return Language(
        tag=code,
        direction=locale.text_direction,
        phrases={**table[FALLBACK], **table[code]},
    )


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def _parsed(locale: str) -> Locale | None:
    try:
        return Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return None
