"""A campaign for many contacts: each once, behind everything that cannot wait."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from connector.cli.campaign import campaign
from connector.cli.prepare import LOCAL
from connector.decide.campaigns import parse_campaign
from connector.errors import NotFoundError, PayloadError
from connector.jobs import launch_campaign as launching
from connector.jobs.launch_campaign import Launched, launch_campaign, look_ahead
from connector.store import audit, campaigns, triggers
from connector.store.tables import triggers as trigger_table
from tests.road.conftest import Road


def launch(road: Road, segment: str = "all", name: str = "onboarding") -> Launched:
    return launch_campaign(road.station, LOCAL, name, segment, lambda _so_far: None)


def rows(road: Road) -> list[triggers.TriggerRow]:
    with road.store.read() as tx:
        ids = tx.execute(trigger_table.select()).scalars().all()
        return triggers.get(tx, ids)


def run(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(campaign, ["launch", *words], input=answer)


def test_everybody_in_the_segment_gets_the_campaign_and_nobody_else(any_road: Road) -> None:
    """One trigger a contact, of that campaign alone, on the queue that waits for others."""
    any_road.contact("c1", plan="team")
    any_road.contact("c2", plan="solo")
    any_road.contact("c3", plan="Team")
    assert launch(any_road, "plan=team") == Launched(2, 0)
    found = rows(any_road)
    assert {row.trigger.subject.id for row in found} == {"c1", "c3"}
    assert {(row.campaign, row.queue, row.trigger.kind) for row in found} == {
        ("onboarding", "render-bulk", "contact_onboarding")
    }
    any_road.travel()
    assert [len(any_road.videos(one)) for one in ("c1", "c2", "c3")] == [1, 0, 1]
    assert any_road.videos("c1")[0].queue == "render-bulk"


def test_a_launch_that_is_run_again_adds_only_who_is_new(any_road: Road) -> None:
    """Also one that broke off half-way."""
    any_road.contact("c1")
    assert launch(any_road) == Launched(1, 0)
    any_road.contact("c2")
    assert launch(any_road) == Launched(1, 1)
    assert launch(any_road) == Launched(0, 2)
    assert len(rows(any_road)) == 2


def test_another_segment_or_version_is_another_launch(road: Road) -> None:
    """What was changed may be sent again; the campaign's own limits say how often."""
    road.contact("c1", plan="team")
    launch(road)
    assert launch(road, "plan=team") == Launched(1, 0)
    with road.store.write() as tx:
        [row] = [one for one in campaigns.active(tx) if one.name == "onboarding"]
        body = row.body + "\n"
        campaigns.install(tx, row.name, parse_campaign(body, row.name).version, body)
    assert launch(road) == Launched(1, 0)


def test_a_long_segment_still_has_a_key_of_its_own(any_road: Road) -> None:
    """A key must fit its column, whatever the segment is called."""
    long = "x" * 150
    any_road.contact("c1", plan=long)
    any_road.contact("c2", plan=long)
    assert launch(any_road, f"plan={long}") == Launched(2, 0)
    assert launch(any_road, f"plan={long}") == Launched(0, 2)


def test_it_goes_batch_by_batch_and_tells_how_far_it_is(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored is safe and rung for while the rest is still being read."""
    monkeypatch.setattr(launching, "BATCH", 2)
    for number in range(5):
        road.contact(f"c{number}")
    rung: list[int] = []
    monkeypatch.setattr(
        road.station.doorbell, "ring", lambda job, ids, *_: rung.append(len(ids)) or True
    )
    told: list[int] = []
    launch_campaign(road.station, LOCAL, "onboarding", "all", lambda one: told.append(one.seen))
    assert told == [2, 4, 5]
    assert rung == [2, 2, 1]


def test_what_does_not_exist_is_said_plainly(road: Road) -> None:
    """A campaign, a connection, a segment."""
    with pytest.raises(NotFoundError, match=r"campaign 'onbording'; there are: .*onboa"):
        launch(road, name="onbording")
    with pytest.raises(PayloadError, match="must read"):
        launch(road, "nonsense")
    with pytest.raises(NotFoundError, match="no connection 'far'"):
        launch_campaign(road.station, "far", "onboarding", "all", print)
    assert rows(road) == []


def test_an_outlook_tells_the_cost_and_starts_nothing(road: Road) -> None:
    """How many, whom, and what has to be rendered."""
    for number in range(4):
        road.contact(f"c{number}")
    outlook = look_ahead(road.station, LOCAL, "onboarding", "all")
    assert (outlook.members, outlook.examples) == (4, ("c0", "c1", "c2"))
    assert (outlook.renders, outlook.on_open) == (4, False)
    assert rows(road) == []


def test_the_command_asks_before_it_launches(road: Road) -> None:
    """Whoever says no has started nothing."""
    road.contact("c1")
    said_no = run("onboarding", "--segment", "all", answer="n\n")
    assert said_no.exit_code != 0
    assert "1 contact (c1); at most 1 video to render" in said_no.stderr
    assert rows(road) == []

    said_yes = run("onboarding", "--segment", "all", answer="y\n")
    assert said_yes.exit_code == 0
    assert said_yes.stdout == "1 started, 0 had been started before.\n"
    with road.store.read() as tx:
        assert next((one.action, one.subject) for one in audit.entries(tx)) == (
            "launch",
            "local:onboarding",
        )


def test_a_program_launches_without_being_asked(road: Road) -> None:
    """With --yes and --json there is one object and nothing else on the output."""
    road.contact("c1")
    result = run("onboarding", "--segment", "all", "--yes", "--json")
    assert json.loads(result.stdout) == {"count": 1, "repeated": 0}


def test_on_open_costs_nothing_before_somebody_looks(road: Road) -> None:
    """The outlook of a campaign that renders on the first open says so."""
    with road.store.write() as tx:
        [row] = [one for one in campaigns.active(tx) if one.name == "onboarding"]
        body = row.body.replace('"on_trigger"', '"on_open"')
        campaigns.install(tx, row.name, parse_campaign(body, row.name).version, body)
    road.contact("c1")
    result = run("onboarding", "--segment", "all", "--yes")
    assert "nothing is rendered before somebody opens a link" in result.stderr
    road.travel()
    assert road.videos()[0].status == "minted"


def test_an_empty_segment_is_said_and_not_asked_about(road: Road) -> None:
    """There is nothing to decide."""
    result = run("onboarding", "--segment", "plan=none")
    assert result.exit_code == 0
    assert "nobody is in it" in result.stderr
    assert result.stdout == "0 started, 0 had been started before.\n"
