"""What happens now and then: leftovers go, links run out, a concurrent write cannot undo an erasure."""

from __future__ import annotations

import os
import time

import pytest
from sqlalchemy import update

from connector.cli.prepare import LOCAL
from connector.errors import TemporaryError
from connector.jobs import erase_contact as erasing
from connector.jobs.erase_contact import erase_contact
from connector.jobs.tidy import expire_links, remove_leftovers, tidy
from connector.store import connections
from connector.store.clock import now_ms
from connector.store.tables import videos
from tests.road.conftest import Road


def test_a_link_that_has_run_out_leaves_the_record_and_the_disk(any_road: Road) -> None:
    """After its days the page says so politely, the CRM has no link, and no file is kept."""
    any_road.contact("c1")
    any_road.post()
    any_road.travel()
    link = any_road.fields()["cuereel_video_url"].removeprefix(any_road.settings.base_url)
    assert expire_links(any_road.station) == 0
    with any_road.store.write() as tx:
        tx.execute(update(videos).values(expires_at=now_ms() - 1))
    assert expire_links(any_road.station) == 1
    any_road.travel()
    assert any_road.fields()["cuereel_video_status"] == "expired"
    assert any_road.fields().get("cuereel_video_url") is None
    assert any_road.client.get(link).status_code in (200, 410)
    assert not list((any_road.settings.folder / "files" / LOCAL).rglob("*.mp4"))


def test_what_a_dead_worker_left_is_removed_after_an_hour_and_not_before(road: Road) -> None:
    """Unfinished folders and files go; what is being rendered stays."""
    work = road.settings.folder / "work"
    for name in ("old.tmp", "new.tmp"):
        (work / name).mkdir(parents=True)
        (work / name / "video.mp4").write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(work / "old.tmp", (two_hours_ago, two_hours_ago))
    assert remove_leftovers(road.station) == 1
    assert [path.name for path in work.iterdir()] == ["new.tmp"]


def test_a_chore_that_fails_does_not_stop_the_others(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that cannot be removed does not keep links from running out."""
    road.contact("c1")
    road.post()
    road.travel()
    with road.store.write() as tx:
        tx.execute(update(videos).values(expires_at=now_ms() - 1))

    def refuse(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr("connector.jobs.tidy.remove_leftovers", refuse)
    tidy(road.station)
    assert road.videos()[0].status == "expired"


def test_an_erasure_waits_for_the_writer_so_that_nothing_comes_back(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a batch is being written nothing is erased; the caller is asked to try again."""
    monkeypatch.setattr(erasing, "PATIENCE_SECONDS", 0.3)
    road.contact("c1")
    road.post()
    road.travel()
    with road.store.write() as tx:
        pen = connections.take_pen(tx, LOCAL, 60)
    assert pen
    with pytest.raises(TemporaryError, match="try again"):
        erase_contact(road.station, LOCAL, "c1", actor="test")
    assert road.fields()["cuereel_video_url"]
    with road.store.write() as tx:
        connections.lay_down_pen(tx, LOCAL, pen)
    done = erase_contact(road.station, LOCAL, "c1", actor="test")
    assert done.videos == 1
    assert road.fields().get("cuereel_video_url") is None
    assert erase_contact(road.station, LOCAL, "c1", actor="test").videos == 0
