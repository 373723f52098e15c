"""
What went in must come out, once: the check after the fire (after Jepsen's total-queue).
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select

from connector.cli.prepare import LOCAL
from connector.model import VideoStatus
from connector.publish import open_files
from connector.secrets import token_hash
from connector.store import leases
from connector.store.tables import DEAD, DONE, WORK, record_rows, records, triggers, videos
from tests.chaos.events import Posted
from tests.chaos.stack import Stack

READY = (VideoStatus.READY, VideoStatus.READY_WITH_FALLBACK)


@dataclass(frozen=True)
class Ledger:
    """
    The balance: *lost*, *unexpected*, *doubled* and *wrong* must be empty.

    Extra tries are the price of being killed; they are counted, not forbidden.
    """

    events: int
    acknowledged: int
    posts: int
    ready: int
    linked: int
    lost: list[str]
    unexpected: list[str]
    doubled: list[str]
    wrong: list[str]
    dead: list[str]
    open: dict[str, int]
    tries: dict[str, int]
    crashes: int

    @property
    def balanced(self) -> bool:
        """Tell whether every acknowledged event had exactly one effect."""
        return not (
            self.lost or self.unexpected or self.doubled or self.wrong or self.dead or self.open
        )

    def facts(self) -> dict[str, Any]:
        """Return everything, to be printed."""
        return {"balanced": self.balanced, **asdict(self)}


def drain(stack: Stack, seconds: float) -> float:
    """Wait until no work is left; return how long it took, or the full time."""
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        if not unfinished(stack):
            return passed
        time.sleep(0.2)
    return passed


def unfinished(stack: Stack) -> dict[str, int]:
    """Return how many rows of each noun are neither done nor dead."""
    with stack.store.read() as tx:
        counts = {
            noun: tx.execute(
                # without a due time nothing is to be done yet
                select(func.count()).where(table.c.work.not_in((DONE, DEAD)), table.c.due_at > 0)
            ).scalar_one()
            for noun, table in WORK.items()
        }
    return {noun: count for noun, count in counts.items() if count}


def balance(stack: Stack, posted: Posted) -> Ledger:
    """Compare what was acknowledged with what the far side shows."""
    with stack.store.read() as tx:
        made = list(tx.execute(select(videos)).all())
        rows = list(tx.execute(select(record_rows).where(record_rows.c.kind == "video")).all())
        contacts = {
            row.id: row.fields
            for row in tx.execute(select(records).where(records.c.kind == "contact"))
        }
        planned = Counter(tx.execute(select(triggers.c.subject_id)).scalars())
        letters = [f"{one.noun} {one.id}: {one.reason}" for one in leases.dead(tx)]
        tries = {
            noun: int(tx.execute(select(func.coalesce(func.sum(table.c.fence), 0))).scalar_one())
            for noun, table in WORK.items()
        }
        crashes = sum(
            int(tx.execute(select(func.coalesce(func.sum(table.c.crashes), 0))).scalar_one())
            for table in WORK.values()
        )
    ready = Counter(video.contact_id for video in made if video.status in READY)
    linked = {contact for contact, fields in contacts.items() if fields.get("cuereel_video_url")}
    told = Counter(row.contact_id for row in rows)
    return Ledger(
        events=len(posted.attempted),
        acknowledged=len(posted.acknowledged),
        posts=posted.posts,
        ready=len(ready),
        linked=len(linked),
        lost=sorted(posted.acknowledged - (set(ready) & linked & set(told))),
        unexpected=sorted((set(ready) | linked | set(told)) - posted.attempted),
        doubled=sorted(
            name for count in (ready, told, planned) for name, times in count.items() if times > 1
        ),
        wrong=[*_wrong_links(made, rows, contacts), *_wrong_files(stack, made)],
        dead=letters,
        open=unfinished(stack),
        tries={noun: count for noun, count in tries.items() if count},
        crashes=crashes,
    )


def _wrong_links(made: list[Any], rows: list[Any], contacts: dict[str, Any]) -> list[str]:
    """Return contacts whose link is not the one of their own video, or whose fields are stale."""
    own = {video.contact_id: video for video in made}
    shown = {row.contact_id: row for row in rows}
    wrong = []
    for contact, video in own.items():
        fields, row = contacts[contact], shown.get(contact)
        token = str(fields.get("cuereel_video_url", "")).rpartition("/")[2]
        if token_hash(token) != video.token_hash:
            wrong.append(f"{contact}: somebody else's link")
        if fields.get("cuereel_video_status") != video.status:
            wrong.append(f"{contact}: says {fields.get('cuereel_video_status')}")
        if row is None or row.key != video.id or row.values["video_status"] != video.status:
            wrong.append(f"{contact}: the row of the video is not up to date")
    return wrong


def _wrong_files(stack: Stack, made: list[Any]) -> list[str]:
    """Return videos with a file that is missing or not whole, and files that nobody shows."""
    files = open_files(stack.settings)
    film = (stack.settings.folder / "film.mp4").stat().st_size
    wrong, known = [], set()
    for video in made:
        if video.status not in READY:
            continue
        for name, key in video.receipt["files"].items():
            known.add(key)
            stored = files.stat(key)
            if stored is None or (name == "video.mp4" and stored.size != film):
                wrong.append(f"{video.id}: {name} is missing or not whole")
    root = stack.settings.folder / "files"
    published = {str(path.relative_to(root)) for path in (root / LOCAL).rglob("*.mp4")}
    return [*wrong, *(f"nobody shows {key}" for key in sorted(published - known))]
