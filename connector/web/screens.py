"""
What a viewer may see of a video: seven states of the road become five plain screens.

A viewer never learns a status, a reason or a name of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from connector.decide.delivery import is_web_address
from connector.decide.schema import MAIN
from connector.model import PLAYABLE, VideoStatus
from connector.settings import Settings
from connector.store.opening import has_film, is_stale
from connector.store.videos import VideoRow
from connector.web.phrases import Language, caption_language, language_of
from renderers import brand as brands
from renderers.brand import Brand
from renderers.errors import RenderError

GAP = 0.1  # seconds between two scenes that nobody notices: what shows in both does not blink


class Screen(StrEnum):
    """Which page is shown."""

    PLAY = "play"
    WAITING = "waiting"  # for the viewer to press play
    MAKING = "making"
    UNAVAILABLE = "unavailable"
    OVER = "over"


SCREENS = {
    VideoStatus.MINTED: Screen.WAITING,
    VideoStatus.STALE: Screen.MAKING,  # somebody has opened it
    VideoStatus.QUEUED: Screen.MAKING,
    VideoStatus.RENDERING: Screen.MAKING,
    VideoStatus.NEEDS_REVIEW: Screen.MAKING,
    VideoStatus.EXPIRED: Screen.OVER,
    VideoStatus.ERASED: Screen.OVER,
    **dict.fromkeys(PLAYABLE, Screen.PLAY),
}


@dataclass(frozen=True)
class CallToAction:
    """Where the one button leads."""

    label: str
    url: str


@dataclass(frozen=True)
class Action:
    """A further call to action; *scenes* are those of this video in which it shows, none: always."""

    key: str
    kind: str
    label: str
    url: str
    scenes: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """Everything that a page says about one video."""

    video_id: str
    screen: Screen
    language: Language
    brand: Brand
    first_name: str
    call_to_action: CallToAction | None
    actions: tuple[Action, ...]
    personal: bool
    width: int
    height: int
    seconds: float
    files: frozenset[str]
    captions: tuple[str, str]
    transcript: str
    until: str
    scenes: Mapping[str, tuple[float, float]]  # from when to when each plays, in order
    film: bool  # whether its files may be seen, though it may have to be made afresh to be played
    version: int  # asked for with the files, so that no player goes on in another film

    @property
    def length(self) -> str:
        """The duration as minutes and seconds, empty where it is unknown."""
        minutes, seconds = divmod(round(self.seconds), 60)
        return f"{minutes}:{seconds:02}" if self.seconds else ""

    def spans(self, action: Action) -> list[list[float]]:
        """Return the stretches, in seconds, in which an action shows; none where it always does."""
        found: list[list[float]] = []
        for start, end in (span for name, span in self.scenes.items() if name in action.scenes):
            if found and start <= found[-1][1] + GAP:
                found[-1][1] = end
            else:
                found.append([start, end])
        return found


def screen_of(video: VideoRow, now: int) -> Screen:
    """Return which page a video shows at the database's time *now*."""
    if video.expires_at is not None and video.expires_at <= now:
        return Screen.OVER
    screen = SCREENS.get(VideoStatus(video.status), Screen.UNAVAILABLE)
    if screen is Screen.PLAY and not has_film(video):
        return Screen.UNAVAILABLE
    # what is too old to be shown is made afresh for whoever presses play
    return Screen.WAITING if is_stale(video, now) else screen


def shows_film(video: VideoRow, now: int) -> bool:
    """
    Tell whether a film's files may be seen: also while it is stale, or being made afresh.

    So the picture in an e-mail stays, and whoever is watching goes on.
    """
    return has_film(video) and screen_of(video, now) is not Screen.OVER


def view_of(video: VideoRow, now: int, settings: Settings) -> View:
    """Return what the pages say about *video*."""
    receipt: dict[str, Any] = video.receipt or {}
    language = language_of(video.locale)
    return View(
        video_id=video.id,
        screen=screen_of(video, now),
        language=language,
        brand=brand_of(settings, video.template),
        first_name=_first_name(video),
        call_to_action=call_to_action(video),
        actions=actions(video),
        personal=video.contact_id is not None,
        width=int(receipt.get("width") or 1280),
        height=int(receipt.get("height") or 720),
        seconds=float(receipt.get("duration") or 0),
        files=frozenset(receipt.get("files") or ()),
        captions=caption_language(video.locale),
        transcript=str(receipt.get("transcript") or ""),
        until=language.date(video.expires_at) if video.expires_at else "",
        scenes=_scenes(video),
        film=shows_film(video, now),
        version=video.version,
    )


def stored_key(video: VideoRow, name: str) -> str | None:
    """Return the key of one of a video's files, or None where it was not made."""
    key = ((video.receipt or {}).get("files") or {}).get(name)
    return str(key) if key else None


def call_to_action(video: VideoRow) -> CallToAction | None:
    """Return the stored call to action; None where there is none that is safe to follow."""
    stored = video.call_to_action or {}
    url = str(stored.get("url") or "")
    label = str(stored.get("label") or "") or _slot(video, "cta_label")
    return CallToAction(label, url) if label and is_web_address(url) else None


def actions(video: VideoRow) -> tuple[Action, ...]:
    """Return the stored further calls to action that are safe to follow."""
    present = _scenes(video)
    return tuple(
        Action(
            key=str(one["key"]),
            kind=str(one["kind"]),
            label=str(one["label"]),
            url=str(one["url"]),
            # a scene that this video does not have cannot be waited for
            scenes=tuple(name for name in one["scenes"] if name in present),
        )
        for one in video.actions or ()
        if one["label"] and is_web_address(str(one["url"]))
    )


def address_of(video: VideoRow, key: str) -> str | None:
    """Return where the call to action *key* leads; None where there is none of that key."""
    main = call_to_action(video)
    if key == MAIN:
        return main.url if main else None
    return next((action.url for action in actions(video) if action.key == key), None)


def _scenes(video: VideoRow) -> dict[str, tuple[float, float]]:
    scenes = (video.receipt or {}).get("scenes") or ()
    return {
        str(one["name"]): (
            float(one["start"]),
            round(float(one["start"]) + float(one["seconds"]), 3),
        )
        for one in scenes
    }


def brand_of(settings: Settings, template: str) -> Brand:
    """Return the brand of a template, ours where it has none that can be read."""
    folders = (*settings.template_folders, brands.PACKAGED_BRAND.parent)
    for folder in folders:
        if template and (folder / template / "brand.toml").is_file():
            return _brand(folder / template)
    return _brand(None)


@lru_cache(maxsize=200)
def _brand(folder: Path | None) -> Brand:
    try:
        return brands.load_brand(folder)
    except RenderError:
        # a viewer gets a page in our colours rather than none; `cuereel check` names the mistake
        return brands.load_brand(None)


def _first_name(video: VideoRow) -> str:
    return "" if "first_name" in video.fallback_slots else _slot(video, "first_name")


def _slot(video: VideoRow, name: str) -> str:
    stored = video.slots.get(name)
    if not isinstance(stored, dict):
        return ""
    return str(stored.get("text") or stored.get("value") or "").strip()
