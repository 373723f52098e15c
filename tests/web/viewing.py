"""What the viewer's tests share: an application, a video with real files, and beacons about it."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from connector.app import create_app
from connector.limits import Limits
from connector.model import VideoStatus
from connector.publish import open_files
from connector.queues import Doorbell
from connector.secrets import Keyring, new_token, token_hash
from connector.settings import Settings
from connector.store import Store, connections, sessions, videos
from connector.store.clock import now
from connector.store.ids import new_id
from connector.store.sessions import SessionRow
from connector.store.tables import metadata, triggers
from connector.store.tables import videos as videos_table
from connector.store.videos import NewVideo, VideoRow
from connector.web.desk import NAME, Desk
from connector.web.wire import make_ticket

CONNECTION = "local"
DURATION = 20.0
HOUR = 3_600_000
SCENES = [
    {"name": "welcome", "start": 0.0, "seconds": 5.0},
    {"name": "plan", "start": 5.0, "seconds": 10.0},
    {"name": "farewell", "start": 15.0, "seconds": 5.0},
]
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
FILES = ("video.mp4", "poster.jpg", "captions.vtt", "chapters.vtt")


@dataclass
class Bells(Doorbell):
    """A doorbell that remembers who rang."""

    rung: list[tuple[str, list[str], str | None]] = field(default_factory=list)

    def ring(self, job: str, ids: Any, queue: str | None = None) -> bool:
        """Remember one ring."""
        self.rung.append((job, list(ids), queue))
        return True


class Browser(FlaskClient):
    """Reads each answer to its end and closes it, as browsers do."""

    def open(self, *args: Any, **options: Any) -> Any:
        """Send a request."""
        return super().open(*args, **{"buffered": True} | options)


@dataclass(frozen=True)
class Reel:
    """One video of a test, with the token of its link."""

    id: str
    token: str
    contact_id: str | None

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/v/{self.token}"


@dataclass
class Viewing:
    """An installation with one connection, seen through its web application."""

    app: Flask
    settings: Settings
    store: Store
    keyring: Keyring
    bells: Bells
    counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def client(self) -> FlaskClient:
        """A new browser without cookies."""
        return self.app.test_client()

    def reel(
        self,
        status: VideoStatus = VideoStatus.READY,
        *,
        contact_id: str | None = "c1",
        rendered: bool | None = None,
        **columns: Any,
    ) -> Reel:
        """Store a video as the jobs leave it at *status*."""
        token = new_token()
        on_open = status in (VideoStatus.MINTED, VideoStatus.STALE)
        with self.store.write() as tx:
            trigger_id = new_id()
            tx.execute(
                triggers.insert().values(
                    id=trigger_id,
                    connection_id=CONNECTION,
                    key=f"t{next(self.counter)}",
                    kind="contact_onboarding",
                    subject_kind="contact",
                    subject_id=contact_id or "nobody",
                    occurred_at=now(tx),
                    facts={},
                    work="done",
                    due_at=0,
                )
            )
            video_id = videos.mint(
                tx,
                _new_video(trigger_id, contact_id, on_open=on_open),
                token_hash(token),
                self.keyring.encrypt(token),
            )
            sent = now(tx) - HOUR
        assert video_id is not None
        columns = {"minted_at": sent} | columns
        if rendered if rendered is not None else status.startswith(("ready", "approved")):
            columns = {"receipt": self.receipt(video_id), "ready_at": 1} | columns
        done = {} if status in (VideoStatus.QUEUED, VideoStatus.RENDERING) else {"work": "done"}
        self.change(video_id, status=status, **done, **columns)
        return Reel(video_id, token, contact_id)

    def receipt(self, video_id: str, made: Path | None = None) -> dict[str, Any]:
        """Publish files for a video and return the receipt that names them."""
        files = open_files(self.settings)
        keys = {name: f"{CONNECTION}/{video_id}/1/{name}" for name in FILES}
        for name, key in keys.items():
            path = made / name if made else self.settings.folder / name
            if made is None:
                path.write_bytes(_content(name))
            files.put(key, path)
        return {
            "duration": DURATION,
            "width": 1280,
            "height": 720,
            "scenes": SCENES,
            "files": keys,
            "transcript": "Welcome, Ana.\nHere is your plan.",
        }

    def change(self, video_id: str, **columns: Any) -> None:
        """Set columns of a video, work columns included."""
        with self.store.write() as tx:
            tx.execute(videos_table.update().where(videos_table.c.id == video_id).values(**columns))

    def video(self, reel: Reel) -> VideoRow:
        """Read a video back."""
        with self.store.read() as tx:
            found = videos.get(tx, reel.id)
        assert found is not None
        return found

    def ticket(self, reel: Reel, *, opened: float = 60.0, own: bool = False) -> str:
        """Return a beacon token of a page that was opened some seconds ago."""
        with self.store.read() as tx:
            return make_ticket(self.keyring, reel.id, now(tx) - int(opened * 1000), own=own)

    def sessions(self, reel: Reel) -> list[SessionRow]:
        """Read a video's sessions back."""
        with self.store.read() as tx:
            return sessions.of_videos(tx, [reel.id])

    def contents(self) -> dict[str, list[Any]]:
        """Return everything that the database holds."""
        with self.store.read() as tx:
            return {
                table.name: sorted(map(repr, tx.execute(select(table)).all()))
                for table in metadata.sorted_tables
            }


def _new_video(trigger_id: str, contact_id: str | None, *, on_open: bool) -> NewVideo:
    return NewVideo(
        connection_id=CONNECTION,
        trigger_id=trigger_id,
        campaign="onboarding",
        campaign_version="1",
        step=0,
        subject_kind="contact",
        subject_id=contact_id or "nobody",
        contact_id=contact_id,
        template="onboarding",
        variant="",
        locale="en",
        format="16:9",
        slots={
            "first_name": {"value": "Ana", "text": "Ana"},
            "cta_label": {"value": "Book your first session", "text": "Book your first session"},
        },
        fallback_slots=[],
        call_to_action={"label": "", "url": "https://example.com/book?for=ana"},
        fresh_seconds=None,
        expires_seconds=60 * 86_400,
        queue="render",
        on_open=on_open,
    )


def _content(name: str) -> bytes:
    return (
        hashlib.sha256(name.encode()).digest() * 400
        if name.endswith(("mp4", "jpg"))
        else b"WEBVTT\n"
    )


def make_viewing(settings: Settings, store: Store, keyring: Keyring) -> Viewing:
    """Open an installation on a store that is there already."""
    with store.write() as tx:
        connections.add(
            tx, keyring, connection_id=CONNECTION, crm="local", title="Test", secrets={}
        )
    settings.folder.mkdir(parents=True, exist_ok=True)
    app = create_app(settings)
    app.test_client_class = Browser
    app.extensions[NAME].store.close()
    bells = Bells()
    app.extensions[NAME] = Desk(settings, store, keyring, bells, Limits(None))
    return Viewing(app, settings, store, keyring, bells)


def state(
    token: str, session: str, number: int, *played: tuple[float, float], **more: Any
) -> dict[str, Any]:
    """Return a beacon as the player writes it."""
    segments = [[start, end, 1] for start, end in played]
    return {
        "v": 1,
        "t": token,
        "s": session,
        "q": number,
        "at": int(time.time() * 1000),
        "d": DURATION,
        "r": segments,
        "p": segments[-1][1] if segments else 0,
        "f": {"g": 1, "m": 0, "fs": 0, "cc": 1, "vis": 1, "wd": 0, "inp": 1, "dnt": 0},
        "e": [],
        "k": {"st": 420, "sl": 0.0, "er": 0},
        **more,
    }


def post(client: FlaskClient, beacon: dict[str, Any] | bytes, agent: str = CHROME) -> int:
    """Send a beacon as a browser does; return the answer's status."""
    body = beacon if isinstance(beacon, bytes) else json.dumps(beacon).encode()
    answer = client.post(
        "/e", data=body, content_type="text/plain;charset=UTF-8", headers={"User-Agent": agent}
    )
    return answer.status_code
