"""
What the views of a campaign add up to, by day: curves of a hundred buckets, and sums by scene.

A row moves by the difference that a session makes, in the transaction that stores the session, so it
never has to be counted anew; `recount` does so all the same, and must come to the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

BUCKETS = 100


@dataclass(frozen=True)
class Curve:
    """
    Views (`plays`) by verified people and, per 1 % of the length: sessions that saw it (`reach`), times
    played (`hits`), times beyond the first (`rewatched`), sessions whose last position it was (`dropped`).
    """

    plays: int
    reach: tuple[int, ...]
    hits: tuple[int, ...]
    rewatched: tuple[int, ...]
    dropped: tuple[int, ...]


@dataclass(frozen=True)
class SceneSum:
    """The same by scene, so that unlike videos add up; `completed`: sessions that saw 95 % of the scene."""

    scene: str
    place: int
    plays: int
    reached: int
    watched_ms: int
    completed: int
    dropped: int
    rewatched: int


def of_campaign(
    tx: Connection, campaign: str, *, variant: str | None = None, template: str | None = None
) -> Curve:
    """Return the curve of a campaign, of all connections and days; None means all."""
    raise NotImplementedError


def scenes_of_campaign(
    tx: Connection, campaign: str, *, variant: str | None = None, template: str | None = None
) -> list[SceneSum]:
    """Return a campaign's sums by scene, in the order of the video."""
    raise NotImplementedError
