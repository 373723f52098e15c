"""
Verdicts that take all sessions of a contact to see: a scanner opens every link of a message at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from sqlalchemy import Connection

from connector.measure.viewers import Opening, Verdict, Viewer, judge_again, link_bursts
from connector.store import curves, sessions
from connector.store.clock import moment
from connector.store.sessions import SessionRow

LINK_BURST = "link_burst"


def judged(tx: Connection, video_ids: Sequence[str]) -> list[SessionRow]:
    """
    Return all sessions of a contact's videos, oldest first, each with the verdict that now holds.

    A verdict that is new is stored, and moves the sums.
    """
    rows = sessions.of_videos(tx, video_ids)
    if _judged(rows) == rows:
        return rows
    # beacons that are being stored are waited for, so that the difference is the true one
    videos = sessions.shown(tx, video_ids)
    before = sessions.of_videos(tx, video_ids)
    after = _judged(before)
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    for _, row in changed:
        verdict = {"viewer": row.viewer, "score": row.score, "reasons": row.reasons}
        sessions.change(tx, row.id, **verdict)
    curves.add(tx, curves.difference(videos, changed))
    return after


def _judged(rows: Sequence[SessionRow]) -> list[SessionRow]:
    bursts = link_bursts(
        Opening(row.id, row.video_id, str(row.flags.get("agent", "")), moment(row.first_at))
        for row in rows
    )
    return [_again(row, [LINK_BURST] if row.id in bursts else []) for row in rows]


def _again(row: SessionRow, signs: Sequence[str]) -> SessionRow:
    stored = Verdict(cast(Viewer, row.viewer), row.score, tuple(row.reasons))
    verdict = judge_again(stored, *signs, viewed=row.viewed, watch_ms=row.watch_ms)
    if verdict == stored:
        return row
    return replace(row, viewer=verdict.viewer, score=verdict.score, reasons=list(verdict.reasons))
