"""
The beacon's wire format, version 1, and the signed token that comes with it.

One beacon is the whole state of one session, so that only the newest counts. A token is made when
the page is shown: it says which video and since when, and can be checked without the database.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from connector.errors import PayloadError, SignatureError
from connector.measure.tracking import IDENTIFIED
from connector.secrets import Keyring

MOST_BYTES = 8192
PURPOSE = "beacon"
OLDEST_SECONDS = 86_400.0

Ulid = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,64}$")]
Bit = Annotated[int, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=-1e6, le=1e6)]
Played = Annotated[list[Seconds], Field(min_length=3, max_length=3)]
Milliseconds = Annotated[int, Field(ge=0, le=2**52)]
Name = Literal[
    "load",
    "play",
    "pause",
    "seek",
    "complete",
    "cta_view",
    "cta_click",
    "captions_on",
    "rate",
    "share",
    "unsubscribe_open",
    "error",
]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Flags(_Strict):
    """What the player saw of its surroundings; absent means 0."""

    g: Bit = Field(0, description="a person's gesture")
    m: Bit = Field(0, description="muted")
    fs: Bit = Field(0, description="full screen")
    cc: Bit = Field(0, description="captions shown")
    vis: Bit = Field(0, description="the page was visible while it played")
    wd: Bit = Field(0, description="driven by software, as the browser says")
    inp: Bit = Field(0, description="pointer, key, touch or scroll before the first play")
    dnt: Bit = Field(0, description="the viewer asks not to be tracked (GPC or DNT)")
    hp: Bit = Field(0, description="a link was followed that no person can see")


class Vitals(_Strict):
    """How well playback went: milliseconds to the first frame, seconds stalled, errors."""

    st: Annotated[float, Field(ge=0, le=1e7)] = 0
    sl: Annotated[float, Field(ge=0, le=1e6)] = 0
    er: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class Occurrence(_Strict):
    """Something discrete; `i` is its own id."""

    i: Ulid
    n: Name
    c: Word = ""
    pos: Seconds = 0.0
    at: Milliseconds = 0


class Beacon(_Strict):
    """The state of one session: `r` holds what was played, in order, as [start, end, rate]."""

    v: Literal[1]
    t: Annotated[str, StringConstraints(max_length=500)]
    s: Ulid
    q: Annotated[int, Field(ge=1, le=1_000_000)]
    at: Milliseconds
    d: Seconds
    r: Annotated[list[Played], Field(max_length=200)]
    p: Seconds
    f: Flags
    e: Annotated[list[Occurrence], Field(max_length=20)] = Field(default_factory=list)
    k: Vitals = Vitals()


class Ticket(_Strict):
    """
    What a beacon token says: which rendering of which video, shown when, and whether to one of us.

    `m` is the way of measuring that was known when the page was shown.
    """

    v: str
    at: int
    own: bool = False
    n: int = 1
    m: str = IDENTIFIED


def parse_beacon(body: bytes) -> Beacon:
    """Read a beacon; PayloadError where it is not exactly of this format."""
    try:
        return Beacon.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        raise PayloadError(f"{place}: {first['msg']}") from None


def make_ticket(
    keyring: Keyring,
    video_id: str,
    at: int,
    *,
    version: int = 1,
    own: bool = False,
    tracking: str = IDENTIFIED,
) -> str:
    """Return the token that a page hands to its player; what goes without saying is left out."""
    says: dict[str, Any] = {"v": video_id, "at": at}
    says |= {"n": version} if version != 1 else {}
    says |= {"m": tracking} if tracking != IDENTIFIED else {}
    return keyring.sign({**says, "own": True} if own else says, PURPOSE)


def read_ticket(keyring: Keyring, token: str) -> Ticket:
    """Return what a token says; SignatureError where it is forged, foreign or a day old."""
    try:
        return Ticket.model_validate(keyring.verify(token, PURPOSE, OLDEST_SECONDS))
    except ValidationError:
        raise SignatureError("this token is not for a beacon") from None
