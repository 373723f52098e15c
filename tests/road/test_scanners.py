"""
Machines that open links, and people who look like them, on the whole road from page to record.

Each file in fixtures/scanners says what one of them sends and what it is to be taken for. A link that
is only fetched makes no session, so there is nothing to be taken for anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, Table, select, update

from connector.cli.prepare import install_campaigns
from connector.jobs.update_engagement import update_engagement
from connector.store import endpoints, leases, sessions
from connector.store.clock import now, now_ms
from connector.store.curves import of_campaign as curves_of
from connector.store.ids import new_id
from connector.store.tables import (
    changes,
    curves,
    measures,
    record_rows,
    records,
    scene_sums,
    webhooks,
)
from connector.store.tables import sessions as sessions_table
from connector.store.tables import videos as videos_table
from connector.store.videos import VideoRow
from connector.web.wire import make_ticket
from tests.road.conftest import Road

CORPUS = sorted((Path(__file__).parent.parent / "fixtures" / "scanners").glob("*.json"))
PEOPLE = [path.stem for path in CORPUS if path.stem.startswith("person")]
MACHINES = [path.stem for path in CORPUS if not path.stem.startswith("person")]
# what only people may change: the record, what is owed, what is told, the sums
TOLD = (records, record_rows, changes, webhooks, curves, scene_sums)
DURATION = 20.0
ALERT_TAKES = 90_000  # milliseconds


@dataclass
class Visit:
    """One of the corpus, and the videos whose links it got in one message."""

    road: Road
    says: dict[str, Any]
    links: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        """What it sends with every request."""
        return {"User-Agent": self.says["agent"], **self.says["headers"]}

    def come(self) -> None:
        """Fetch and send all that it does."""
        for video_id, path in self.links.items():
            for method, name in self.says["fetches"]:
                self._fetch(video_id, path, method, name)
        for video_id in self.links:
            self._report(video_id)

    def _fetch(self, video_id: str, path: str, method: str, name: str) -> None:
        address = path if name == "page" else f"{path}/{name}"
        form = {"s": "", "t": self._ticket(video_id)} if method == "POST" else None
        answer = self.road.client.open(address, method=method, headers=self.headers, data=form)
        ahead = name == "page" and "prefetch" in self.headers.get("Sec-Purpose", "")
        assert answer.status_code == 503 if ahead else answer.status_code < 400
        answer.get_data()

    def _report(self, video_id: str) -> None:
        session, ticket = new_id(), self._ticket(video_id)
        for number, one in enumerate(self.says["beacons"], 1):
            answer = self.road.client.post(
                "/e",
                data=json.dumps(_beacon(ticket, session, number, one)),
                content_type="text/plain;charset=UTF-8",
                headers=self.headers,
            )
            assert answer.status_code == 204

    def _ticket(self, video_id: str) -> str:
        """Return the ticket of a page that has been open as long as it takes to watch."""
        with self.road.store.read() as tx:
            at = now(tx) - int(self.says["opened_seconds"] * 1000)
        return make_ticket(self.road.station.keyring, video_id, at)

    def verdicts(self) -> set[tuple[str, tuple[str, ...]]]:
        """Return what its sessions were taken for, and why."""
        with self.road.store.read() as tx:
            rows = sessions.of_videos(tx, list(self.links))
        return {(row.viewer, tuple(row.reasons)) for row in rows}


def _beacon(ticket: str, session: str, number: int, one: dict[str, Any]) -> dict[str, Any]:
    played = [[*part, 1][:3] for part in one["played"]]
    return {
        "v": 1,
        "t": ticket,
        "s": session,
        "q": number,
        "at": 0,
        "d": DURATION,
        "r": played,
        "p": played[-1][1] if played else 0,
        "f": one["flags"],
        "e": [{"i": new_id(), "n": name} for name in one["events"]],
    }


def visit(road: Road, name: str) -> Visit:
    """Send a message with as many links as this one of the corpus finds in it."""
    path = next(path for path in CORPUS if path.stem == name)
    found = Visit(road, json.loads(path.read_text()))
    _want_tasks(road)
    road.contact("c1")
    for number in range(found.says["links"]):
        road.post(identity=f"m{number}")
        road.travel()
    assert len(road.videos()) == found.says["links"]
    for video in road.videos():
        found.links[video.id] = _sent(road, video, found.says["seconds_after_send"])
    return found


def _want_tasks(road: Road) -> None:
    """Let the campaign want a task, repeat at will, and a program outside hear of everything."""
    text = (Path(str(files("mappings"))) / "campaigns" / "onboarding.toml").read_text()
    folder = road.settings.folder / "mappings" / "campaigns"
    folder.mkdir(parents=True)
    text = text.replace('repeat = "90 days"', "") + '\n[tell]\ntask = true\nwhen = "warm"\n'
    (folder / "onboarding.toml").write_text(text)
    assert [f for f in install_campaigns(road.settings, road.store) if f.level == "error"] == []
    with road.store.write() as tx:
        endpoints.add(tx, road.station.keyring, url="https://example.com/hooks")


def _sent(road: Road, video: VideoRow, seconds_ago: float) -> str:
    """Let a video have been sent some time ago; return the path of its page."""
    receipt = {**(video.receipt or {}), "duration": DURATION}
    with road.store.write() as tx:
        tx.execute(
            update(videos_table)
            .where(videos_table.c.id == video.id)
            .values(minted_at=now(tx) - int(seconds_ago * 1000), receipt=receipt)
        )
    return f"/v/{road.station.keyring.decrypt(video.token_sealed)}"


def settle(road: Road) -> None:
    """Measure at once and again when alerts have waited long enough, and write what is owed."""
    for waited in (0, ALERT_TAKES):
        measure(road, waited)


def measure(road: Road, waited: int) -> None:
    """Measure as if every session were that many milliseconds older, and write what is owed."""
    with road.store.write() as tx:
        tx.execute(
            update(sessions_table).values(
                first_at=sessions_table.c.first_at - waited,
                last_at=sessions_table.c.last_at - waited,
            )
        )
        tx.execute(update(measures).values(work="due", due_at=now_ms() - 1))
        ids = leases.due(tx, "measures", ring_again=-1, limit=100)
    update_engagement(ids)
    road.travel("changes")


def told(road: Road) -> dict[str, list[str]]:
    """Return all that anybody outside can learn."""
    with road.store.read() as tx:
        return {table.name: sorted(map(repr, tx.execute(rows_of(table)).all())) for table in TOLD}


def rows_of(table: Table) -> Select[Any]:
    """Select the rows of a table, but those of sums that are nothing again."""
    return select(table).where(table.c.plays != 0) if "plays" in table.c else select(table)


def events(road: Road) -> set[str]:
    """Return the kinds of watching that programs outside are told of."""
    with road.store.read() as tx:
        kinds = tx.execute(select(webhooks.c.kind)).scalars()
        return {kind for kind in kinds if kind.startswith(("watch.", "cta."))}


def tasks(road: Road) -> int:
    """Count the tasks that were owed to owners."""
    with road.store.read() as tx:
        return len(tx.execute(select(changes.c.id).where(changes.c.kind == "task")).all())


def expected(found: Visit) -> set[tuple[str, tuple[str, ...]]]:
    """Return what the corpus says that its sessions are taken for."""
    return {(one["viewer"], tuple(one["reasons"])) for one in found.says["expected"]}


@pytest.mark.parametrize("name", MACHINES)
def test_no_machine_changes_anything_that_anybody_is_told(road: Road, name: str) -> None:
    """No field, score, tier, task or webhook, and no sum of views."""
    found = visit(road, name)
    before = told(road)
    found.come()
    settle(road)
    assert found.verdicts() == expected(found)
    assert told(road) == before


@pytest.mark.parametrize("name", PEOPLE)
def test_every_person_is_counted(road: Road, name: str) -> None:
    """Record, tier, task and webhook tell of them, whatever they look like at first."""
    found = visit(road, name)
    found.come()
    settle(road)
    assert found.verdicts() == expected(found)
    fields = road.fields()
    assert fields["cuereel_percent_watched"] >= 75
    assert fields["cuereel_views"] == found.says["links"]
    assert fields["cuereel_engagement_tier"] in ("warm", "hot")
    assert tasks(road) == found.says["links"]
    assert {"watch.first_view", "watch.milestone"} <= events(road)
    with road.store.read() as tx:
        assert curves_of(tx, "onboarding").plays == found.says["links"]


def test_the_corpus_has_scanners_of_every_family_and_people() -> None:
    """A file that is lost is noticed."""
    assert len(MACHINES) >= 18
    assert len(PEOPLE) >= 5
