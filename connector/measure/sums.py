"""
What one session adds to the sums of its campaign: a hundred buckets of the length, and its scenes.

Sums move by differences: what a session adds now less what it added before. So the order, loss and
repetition of beacons do not matter, and a verdict that changes takes back what was added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add, sub
from typing import Any, Protocol

from connector.measure.engagement import (
    MILESTONES,
    VIEW_SECONDS,
    Engagement,
    drop_off_scene,
    percent,
)
from connector.measure.fields import HUMAN
from connector.measure.segments import BUCKETS, milliseconds, unique_seconds, watch_seconds

Vector = tuple[int, ...]
Operation = Callable[[int, int], int]
ZEROS: Vector = (0,) * BUCKETS
REACHED = bytes([0]) + bytes([1]) * 255
AGAIN = bytes([0, *range(255)])
MILLION = 1_000_000
# one number each: millionths of the length that were seen, sessions that saw it through, that clicked
# the call to action, and that reached each milestone
VIEW_SUMS = ("watched", "completed", "clicked", *(f"reached_{mark}" for mark in MILESTONES))
NO_VIEWS: Vector = (0,) * len(VIEW_SUMS)
# who a session was taken for, and a sign of that; without a sign it stands for the session itself
Sign = tuple[str, str]


class Watched(Protocol):
    """What the sums need of a session; times are milliseconds."""

    @property
    def duration_ms(self) -> int:
        """The video's length."""
        ...

    @property
    def counts(self) -> bytes:
        """Times played, one byte per hundredth."""
        ...

    @property
    def segments(self) -> Sequence[Sequence[float]]:
        """Stretches in the order in which they were played."""
        ...

    @property
    def shares(self) -> Mapping[str, Sequence[int]] | None:
        """What it adds to each scene, where its stretches are not kept any more."""
        ...

    @property
    def unique_ms(self) -> int:
        """How much was seen."""
        ...

    @property
    def furthest_ms(self) -> int:
        """How far it came."""
        ...

    @property
    def last_ms(self) -> int:
        """The last position."""
        ...

    @property
    def clicked(self) -> bool:
        """Whether the call to action was clicked."""
        ...

    @property
    def viewed(self) -> bool:
        """Whether it is a view."""
        ...

    @property
    def viewer(self) -> str:
        """The verdict on who watched."""
        ...

    @property
    def reasons(self) -> Sequence[str]:
        """The signs behind the verdict."""
        ...


@dataclass(frozen=True)
class SceneShare:
    """
    What sessions add to one scene.

    `plays`: views of a video that has the scene; `watched_ms`: time played, what is seen twice counts
    twice; the others are sessions that saw some of it, 95 % of it, some of it again (2 s, or all of a
    shorter scene), and that stopped in it.
    """

    place: int
    plays: int = 0
    reached: int = 0
    watched_ms: int = 0
    completed: int = 0
    rewatched: int = 0
    dropped: int = 0

    @property
    def numbers(self) -> Vector:
        """All that is added up; the place is not."""
        return (
            self.plays, self.reached, self.watched_ms, self.completed, self.rewatched, self.dropped
        )  # fmt: skip

    def joined(self, operation: Operation, other: SceneShare) -> SceneShare:
        """Add another share, or take it away."""
        place = max(self.place, other.place)
        return SceneShare(place, *map(operation, self.numbers, other.numbers))


@dataclass(frozen=True)
class Contribution:
    """
    What sessions add to the sums, or what a change of them moves; then numbers may be negative.

    *views* are the numbers of VIEW_SUMS; *filtered* counts the sessions that are no views, by sign.
    """

    plays: int = 0
    reach: Vector = ZEROS
    hits: Vector = ZEROS
    rewatched: Vector = ZEROS
    dropped: Vector = ZEROS
    scenes: Mapping[str, SceneShare] = field(default_factory=dict)
    views: Vector = NO_VIEWS
    filtered: Mapping[Sign, int] = field(default_factory=dict)

    def __add__(self, other: Contribution) -> Contribution:
        return self._joined(add, other)

    def __sub__(self, other: Contribution) -> Contribution:
        return self._joined(sub, other)

    def __bool__(self) -> bool:
        return self.viewed or any(self.filtered.values())

    @property
    def viewed(self) -> bool:
        """Tell whether anything is moved but what was filtered."""
        return (
            self.plays != 0
            or any(map(any, (self.views, self.reach, self.hits, self.rewatched, self.dropped)))
            or any(any(share.numbers) for share in self.scenes.values())
        )

    def _joined(self, operation: Operation, other: Contribution) -> Contribution:
        if other is NOTHING:
            return self
        return Contribution(
            operation(self.plays, other.plays),
            _vector(operation, self.reach, other.reach),
            _vector(operation, self.hits, other.hits),
            _vector(operation, self.rewatched, other.rewatched),
            _vector(operation, self.dropped, other.dropped),
            {
                name: mine.joined(operation, its)
                for name, mine, its in _pairs(self.scenes, other.scenes)
            },
            tuple(map(operation, self.views, other.views)),
            {
                sign: operation(self.filtered.get(sign, 0), other.filtered.get(sign, 0))
                for sign in {**self.filtered, **other.filtered}
            },
        )


NOTHING = Contribution()


def contribution(session: Watched | None, scenes: Sequence[Mapping[str, Any]]) -> Contribution:
    """Tell what a session of a video with these scenes adds; to views only what a person viewed."""
    if session is None:
        return NOTHING
    if not (session.viewed and session.viewer == HUMAN):
        signs = ("", *session.reasons)
        return Contribution(filtered={(session.viewer, sign): 1 for sign in signs})
    return Contribution(
        plays=1,
        views=_view(session),
        reach=tuple(session.counts.translate(REACHED)),
        hits=tuple(session.counts),
        rewatched=tuple(session.counts.translate(AGAIN)),
        dropped=_one_in(_bucket(session.last_ms, session.duration_ms)),
        scenes=shares_of(session, scenes),
    )


def shares_of(session: Watched, scenes: Sequence[Mapping[str, Any]]) -> dict[str, SceneShare]:
    """Return what a view adds to each scene, by its stretches or, without them, as it was kept."""
    if session.shares is not None:
        return {name: SceneShare(*numbers) for name, numbers in session.shares.items()}
    return _shares(session, scenes)


def _view(session: Watched) -> Vector:
    length, seen = max(session.duration_ms, 1), session.unique_ms
    whole = Engagement(
        session.duration_ms, session.counts, seen, 0, session.furthest_ms, session.last_ms
    )
    reached = percent(seen, session.duration_ms)
    return (
        min(seen * MILLION // length, MILLION),
        int(whole.completed),
        int(session.clicked),
        *(int(reached >= mark) for mark in MILESTONES),
    )


def _vector(operation: Operation, ours: Vector, theirs: Vector) -> Vector:
    # most sessions that were no view before have nothing to be taken back
    return ours if theirs is ZEROS else tuple(map(operation, ours, theirs))


def _bucket(last_ms: int, duration_ms: int) -> int:
    # the very end belongs to the last hundredth
    return min(last_ms * BUCKETS // max(duration_ms, 1), BUCKETS - 1)


def _one_in(bucket: int) -> Vector:
    return (*ZEROS[:bucket], 1, *ZEROS[bucket + 1 :])


def _shares(session: Watched, scenes: Sequence[Mapping[str, Any]]) -> dict[str, SceneShare]:
    stopped_in = drop_off_scene(scenes, session.last_ms / 1000)
    return {
        name: _share(place, scene, session.segments, stopped=name == stopped_in)
        for place, scene in enumerate(scenes)
        for name in [str(scene["name"])]
    }


def _share(
    place: int, scene: Mapping[str, Any], played: Sequence[Sequence[float]], *, stopped: bool
) -> SceneShare:
    start, end = float(scene["start"]), float(scene["start"]) + float(scene["seconds"])
    inside = [(max(s[0], start), min(s[1], end)) for s in played if s[0] < end and s[1] > start]
    length, watched = milliseconds(end - start), milliseconds(watch_seconds(inside))
    seen = milliseconds(unique_seconds(inside))
    return SceneShare(
        place,
        plays=1,
        reached=int(seen > 0),
        watched_ms=watched,
        completed=int(seen > 0 and seen * 100 >= MILESTONES[-1] * length),
        rewatched=int(seen > 0 and watched - seen >= min(milliseconds(VIEW_SECONDS), length)),
        dropped=int(stopped),
    )


def _pairs(
    ours: Mapping[str, SceneShare], theirs: Mapping[str, SceneShare]
) -> list[tuple[str, SceneShare, SceneShare]]:
    """Pair the scenes of two, with nothing for a scene that one of them lacks."""
    blank = SceneShare(place=0)
    names = sorted({*ours, *theirs})
    return [(name, ours.get(name, blank), theirs.get(name, blank)) for name in names]
