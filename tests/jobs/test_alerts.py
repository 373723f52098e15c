"""The owner's task and the events outside: late enough to be true, and not more than one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from connector.jobs.update_engagement import update_engagement
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, campaigns, endpoints, sessions, subjects
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import changes as changes_table
from connector.store.tables import measures, webhooks
from connector.store.tables import sessions as sessions_table
from tests.jobs.test_update_engagement import click, owed, use, watch
from tests.web.viewing import CONNECTION, Reel, Viewing, make_viewing, post, state

HOUR = 3600.0


@pytest.fixture
def viewing(
    settings: Settings, store: Store, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> Viewing:
    """An installation whose campaign wants a task at once, and one program that listens."""
    quick = settings.model_copy(update={"coalesce_seconds": 0})
    here = make_viewing(quick, store, keyring)
    use(here, monkeypatch, quick)
    text = (Path(str(files("mappings"))) / "campaigns" / "onboarding.toml").read_text()
    text += '\n[tell]\ntask = true\non_list = "42"\nwhen = "warm"\n'
    with here.store.write() as tx:
        campaigns.install(tx, "onboarding", "1", text)
        endpoints.add(tx, keyring, url="https://example.com/hooks")
    return here


def pass_by(here: Viewing, seconds: float) -> None:
    """Let time go by: whatever is stored was so much longer ago, and what waits comes nearer."""
    past = int(seconds * 1000)
    with here.store.write() as tx:
        tx.execute(
            update(sessions_table).values(
                first_at=sessions_table.c.first_at - past, last_at=sessions_table.c.last_at - past
            )
        )
        tx.execute(update(measures).values(due_at=measures.c.due_at - past))
        for row in tx.execute(select(changes_table).where(changes_table.c.kind == "task")).all():
            earlier = {**row.values, "due_at": _earlier(row.values["due_at"], seconds)}
            tx.execute(
                update(changes_table).where(changes_table.c.id == row.id).values(values=earlier)
            )


def _earlier(written: str, seconds: float) -> str:
    return (datetime.fromisoformat(written) - timedelta(seconds=seconds)).isoformat()


def measured(here: Viewing, *reels: Reel) -> None:
    """Measure now, whatever still waits."""
    with here.store.write() as tx:
        sessions.owe_measure(tx, [reel.id for reel in reels], 0)
        tx.execute(update(measures).values(due_at=now_ms()))
    update_engagement([reel.id for reel in reels])


def events(here: Viewing) -> list[tuple[str, dict[str, Any]]]:
    """Return the events that are owed outside, by kind, with what they tell."""
    with here.store.read() as tx:
        rows = tx.execute(select(webhooks.c.kind, webhooks.c.body).order_by(webhooks.c.kind)).all()
    return [(kind, json.loads(body)["data"]) for kind, body in rows]


def kinds(here: Viewing) -> list[str]:
    """Return the kinds of what is owed outside; a milestone with its number."""
    return sorted(f"{kind} {data.get('milestone', '')}".strip() for kind, data in events(here))


def tasks(here: Viewing) -> list[dict[str, Any]]:
    """Return the tasks that are owed, oldest first."""
    return sorted(owed(here, "task").values(), key=lambda task: str(task["due_at"]))


def test_metrics_come_at_once_and_alerts_when_the_wait_is_over(viewing: Viewing) -> None:
    """The record shows what was watched while nobody has been told yet."""
    reel = viewing.reel()
    click(viewing, reel, watch(viewing, reel, (0, 16)))
    update_engagement([reel.id])
    assert owed(viewing)["c1"]["percent_watched"] == 80
    assert (tasks(viewing), events(viewing), owed(viewing, "list_member")) == ([], [], {})
    pass_by(viewing, 80)
    update_engagement([reel.id])
    [task] = tasks(viewing)
    assert "80 % watched" in task["subject"]
    assert reel.token in task["body"]
    assert "last click: main" in task["body"]
    assert [one["list"] for one in owed(viewing, "list_member").values()] == ["42"]
    assert kinds(viewing) == [
        "cta.clicked",
        "watch.first_view",
        "watch.milestone 25",
        "watch.milestone 50",
        "watch.milestone 75",
    ]
    assert "send_webhooks" in [job for job, _, _ in viewing.bells.rung]


def test_while_an_alert_waits_the_video_is_measured_again_by_itself(viewing: Viewing) -> None:
    """And a beacon in the meantime is on the record as soon as ever."""
    reel = viewing.reel()
    session = watch(viewing, reel, (0, 16))
    update_engagement([reel.id])

    def waits() -> tuple[str, float]:
        with viewing.store.read() as tx:
            row = tx.execute(select(measures.c.work, measures.c.due_at - now_ms())).one()
        return str(row[0]), row[1] / 1000

    work, left = waits()
    assert work == "due"
    assert 60 < left <= 75
    assert post(viewing.client, state(viewing.ticket(reel, opened=300), session, 2, (0, 17))) == 204
    assert waits()[1] <= viewing.settings.coalesce_seconds
    pass_by(viewing, 80)
    update_engagement([reel.id])
    assert waits()[1] > 86_400  # not before the score has faded


def test_who_turns_out_to_be_a_scanner_is_told_of_to_nobody(viewing: Viewing) -> None:
    """The verdict falls in the wait, and neither task nor event was owed."""
    reel = viewing.reel()
    session = watch(viewing, reel, (0, 16))
    update_engagement([reel.id])
    assert owed(viewing)["c1"]["views"] == 1
    shown = state(viewing.ticket(reel, opened=300), session, 2, (0, 17))
    shown["f"] |= {"wd": 1}
    assert post(viewing.client, shown) == 204
    pass_by(viewing, 80)
    measured(viewing, reel)
    assert (tasks(viewing), events(viewing), owed(viewing, "list_member")) == ([], [], {})
    assert owed(viewing)["c1"]["views"] is None


def test_a_job_that_runs_again_tells_nothing_twice(viewing: Viewing) -> None:
    """Neither does a lost acknowledgement."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20))
    pass_by(viewing, 80)
    for _ in range(3):
        measured(viewing, reel)
    assert len(tasks(viewing)) == 1
    assert kinds(viewing).count("watch.completed") == 1
    assert len(kinds(viewing)) == 6


def test_more_within_four_hours_is_folded_into_the_task(viewing: Viewing) -> None:
    """The owner finds one task, with the newer words and the time of the first."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 16))
    pass_by(viewing, 80)
    measured(viewing, reel)
    pass_by(viewing, 2 * HOUR)
    [before] = tasks(viewing)
    watch(viewing, reel, (15, 20))
    measured(viewing, reel)
    assert tasks(viewing) == [before]
    pass_by(viewing, 80)
    [before] = tasks(viewing)
    measured(viewing, reel)
    [after] = tasks(viewing)
    assert "80 %" in before["subject"]
    assert "100 %" in after["subject"]
    assert after["due_at"] == before["due_at"]
    assert "watch.completed" in kinds(viewing)


def test_who_comes_back_after_four_hours_is_a_task_again(viewing: Viewing) -> None:
    """And time alone is none."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 16))
    pass_by(viewing, 80)
    measured(viewing, reel)
    pass_by(viewing, 5 * HOUR)
    measured(viewing, reel)
    assert len(tasks(viewing)) == 1
    watch(viewing, reel, (0, 10))
    pass_by(viewing, 80)
    measured(viewing, reel)
    measured(viewing, reel)
    assert len(tasks(viewing)) == 2
    assert kinds(viewing).count("watch.first_view") == 1
    assert len(owed(viewing, "list_member")) == 1


def test_two_videos_are_two_tasks(viewing: Viewing) -> None:
    """The four hours are of a contact and a video."""
    first, second = viewing.reel(), viewing.reel()
    for reel in (first, second):
        watch(viewing, reel, (0, 16))
    pass_by(viewing, 80)
    measured(viewing, first, second)
    assert sum(first.token in task["body"] for task in tasks(viewing)) == 1
    assert sum(second.token in task["body"] for task in tasks(viewing)) == 1


def test_a_contact_that_opted_out_is_told_of_to_nobody(viewing: Viewing) -> None:
    """Even if it happens in the wait."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20))
    update_engagement([reel.id])
    with viewing.store.write() as tx:
        subjects.opt_out(tx, CONNECTION, "c1", "watch_page")
    pass_by(viewing, 80)
    measured(viewing, reel)
    assert (tasks(viewing), events(viewing)) == ([], [])


def test_who_asks_not_to_be_tracked_is_told_of_to_nobody(viewing: Viewing) -> None:
    """Whatever they watched."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20), dnt=1)
    pass_by(viewing, 80)
    measured(viewing, reel)
    assert (tasks(viewing), events(viewing)) == ([], [])


@pytest.mark.parametrize("tracking", ["pseudonymous", "aggregate", "off"])
def test_without_identified_tracking_nobody_is_told(
    viewing: Viewing, monkeypatch: pytest.MonkeyPatch, tracking: str
) -> None:
    """Totals are no news of a person."""
    reel = viewing.reel()
    watch(viewing, reel, (0, 20))
    use(viewing, monkeypatch, viewing.settings.model_copy(update={"tracking": tracking}))
    pass_by(viewing, 80)
    measured(viewing, reel)
    assert (tasks(viewing), events(viewing)) == ([], [])


def test_three_links_at_once_change_nothing(viewing: Viewing) -> None:
    """A scanner that presses play on each is seen by all of a contact's sessions together."""
    reels = [viewing.reel() for _ in range(3)]
    for reel in reels:
        watch(viewing, reel, (0, 5))
    pass_by(viewing, 80)
    measured(viewing, *reels)
    assert owed(viewing) == {}
    assert (tasks(viewing), events(viewing)) == ([], [])


def test_an_event_names_nobody(viewing: Viewing) -> None:
    """Ids and numbers: no name, no address, and no link that would open the video."""
    reel = viewing.reel()
    click(viewing, reel, watch(viewing, reel, (0, 20)))
    pass_by(viewing, 80)
    measured(viewing, reel)
    told = dict(events(viewing))
    assert told["cta.clicked"]["cta"] == "main"
    assert told["watch.completed"]["percent_watched"] == 100
    for data in told.values():
        assert data["video_id"] == reel.id
        assert "Ana" not in json.dumps(data)
        assert reel.token not in json.dumps(data)


def test_a_click_is_told_with_the_key_of_its_button_alone(viewing: Viewing) -> None:
    """Each call to action once in a session; what is written on it may name somebody."""
    call = {"key": "call", "kind": "calendar", "label": "Call Ana's team", "scenes": ["plan"]}
    reel = viewing.reel(actions=[{**call, "url": "https://example.com/call"}])
    session = watch(viewing, reel, (0, 20))
    for key in ("main", "call", "call"):
        click(viewing, reel, session, key)
    pass_by(viewing, 80)
    measured(viewing, reel)
    told = [data for kind, data in events(viewing) if "cta." in kind]
    assert sorted(data["cta"] for data in told) == ["call", "main"]
    assert "Ana" not in json.dumps(told)


def test_a_cold_contact_is_no_task_but_its_view_is_an_event(viewing: Viewing) -> None:
    """Two seconds do not send a colleague to the telephone."""
    reel = viewing.reel()
    session = new_id()
    beacon = state(viewing.ticket(reel, opened=300), session, 1, (0, 3))
    assert post(viewing.client, beacon) == 204
    pass_by(viewing, 80)
    measured(viewing, reel)
    assert tasks(viewing) == []
    assert kinds(viewing) == ["watch.first_view"]
