"""
What the player's controls say, in the viewer's language.

media-chrome looks its words up by their English; ours stand in `player_words.toml` under short names.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "player_words.toml"
FALLBACK = "en"

# media-chrome's words for each of ours: a label and a tooltip often differ by a capital only
NAMES: dict[str, tuple[str, ...]] = {
    "play": ("play", "Play"),
    "pause": ("pause", "Pause"),
    "mute": ("mute", "Mute"),
    "unmute": ("unmute", "Unmute"),
    "back": ("seek back {seekOffset} seconds", "Seek backward"),
    "forward": ("seek forward {seekOffset} seconds", "Seek forward"),
    "captions": ("closed captions",),
    "captions_on": ("Enable captions",),
    "captions_off": ("Disable captions",),
    "speed": ("Playback rate",),
    "speed_now": ("Playback rate {playbackRate}",),
    "small": ("enter picture in picture mode", "Enter picture in picture mode"),
    "small_end": ("exit picture in picture mode", "Exit picture in picture mode"),
    "full": ("enter fullscreen mode", "Enter fullscreen mode"),
    "full_end": ("exit fullscreen mode", "Exit fullscreen mode"),
    "volume": ("volume",),
    "seek": ("seek", "playback time"),
    "of": ("{currentTime} of {totalTime}",),
    "chapter": ("chapter: {chapterName}",),
    "loading": ("media loading", "video not loaded, unknown time."),
    "hours": ("hour", "hours"),
    "minutes": ("minute", "minutes"),
    "seconds": ("second", "seconds"),
}


@cache
def player_words(code: str) -> dict[str, str]:
    """Return media-chrome's dictionary for a language, English where we lack a word."""
    table = _table()
    ours = table[FALLBACK] | table.get(code, {})
    return {name: ours[key] for key, names in NAMES.items() for name in names}


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
