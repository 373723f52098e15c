"""
The whole road on HubSpot: a workflow asks for a video, goes on with its link, and the contact's record
learns what was watched. Everything travels over HTTP, to us and to the portal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from connector.app import create_app
from connector.cli.player import open_page
from connector.cli.prepare import install_campaigns
from connector.jobs.sources import open_source
from connector.jobs.station import Station
from connector.measure import alerts
from connector.store import Store, connections, leases
from tests.fakes.hubspot import FakeHubSpot, Sender, serving
from tests.road.far import all_videos, installed, travel, until

EVENTS = ("contact.creation", "contact.lifecyclestage", "contact.deletion", "contact.merge",
          "contact.privacyDeletion", "cart.hs_external_status", "deal.dealstage")  # fmt: skip


@dataclass
class Portal:
    """An installation that one portal has let in."""

    fake: FakeHubSpot
    station: Station
    sender: Sender

    @property
    def connection(self) -> str:
        """The connection of the portal."""
        return f"hubspot-{self.fake.portal}"

    def contact(self, contact: str = "101", **properties: Any) -> str:
        """Make a contact in the portal."""
        defaults = {"firstname": "Ana", "lastname": "Prieto", "email": f"p{contact}@example.com",
                    "hs_language": "en", "hs_email_optout": "false"}  # fmt: skip
        return self.fake.add("contacts", {**defaults, **properties}, id=contact)

    def travel(self, rounds: int = 4) -> None:
        """Run the stations until nothing more is due."""
        travel(self.station, rounds)

    def fields(self, contact: str = "101") -> dict[str, Any]:
        """Return our properties of a contact as the portal shows them, those that say something."""
        held = self.fake.records["contacts"][contact]
        return {k: v for k, v in held.items() if k.startswith("cuereel_") and v not in (None, "")}


@pytest.fixture
def portal(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """A portal with our properties, our web over HTTP, and the instant renderer."""
    with serving(FakeHubSpot()) as fake:
        variables = {
            "CUEREEL_HUBSPOT_API": fake.url,
            "CUEREEL_HUBSPOT_SITE": fake.url,
            "CUEREEL_HUBSPOT_CLIENT_ID": fake.client_id,
            "CUEREEL_HUBSPOT_CLIENT_SECRET": fake.client_secret,
        }
        with installed(sqlite_store, monkeypatch, variables, partial(_connect, fake)) as station:
            fake.subscribe(EVENTS)
            hooks = f"{station.settings.base_url}/hooks/hubspot/app/events"
            yield Portal(fake, station, Sender(fake, hooks))


def _connect(fake: FakeHubSpot, station: Station) -> None:
    with station.store.write() as tx:
        connections.add(
            tx,
            station.keyring,
            connection_id=f"hubspot-{fake.portal}",
            crm="hubspot",
            title="Casa Verde",
            secrets=fake.secrets(),
            config={"portal": fake.portal, "scopes": sorted(fake.scopes)},
        )
    open_source(station, f"hubspot-{fake.portal}")[0].install()


def test_a_workflow_gets_its_video_and_the_record_learns_what_was_watched(portal: Portal) -> None:
    """Action in, workflow waits, callback completed, properties set, watched, properties updated."""
    portal.contact()
    callback = portal.sender.run_action("101", {"campaign": "onboarding"})
    status, answer = portal.sender.answers[callback]
    assert (status, answer["outputFields"]["hs_execution_state"]) == (200, "BLOCK")
    assert portal.fake.callbacks == {}

    portal.travel()
    done = portal.fake.callbacks[callback]["outputFields"]
    written = portal.fields()
    assert done["hs_execution_state"] == "SUCCESS"
    assert done["cuereel_video_url"] == written["cuereel_video_url"]
    assert written["cuereel_video_status"].startswith("ready")
    assert "cuereel_percent_watched" not in written

    viewing = open_page(written["cuereel_video_url"], duration=20.0)
    viewing.play(8.0)
    viewing.http.close()
    until(lambda: (portal.travel(1), "cuereel_percent_watched" in portal.fields())[1])
    assert 30 <= int(float(portal.fields()["cuereel_percent_watched"])) <= 45
    assert portal.fields()["cuereel_views"] == "1"


def test_the_owner_finds_a_note_and_a_task_and_the_contact_is_put_on_a_list(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a campaign has people told comes once: the note with the video, the rest when it worked."""
    monkeypatch.setattr(alerts, "ALERT_SECONDS", 0.0)
    tell(portal, "note = true", "task = true", 'on_list = "42"', 'when = "warm"')
    owner = portal.fake.add_owner("7", "maya@example.com", "Maya", "Lindgren")
    portal.fake.add_list("42", [])
    portal.contact(hubspot_owner_id=owner)
    portal.sender.run_action("101", {"campaign": "onboarding"})
    portal.travel()
    link = portal.fields()["cuereel_video_url"]
    [note] = portal.fake.records["notes"].values()
    assert link in note["hs_note_body"]
    assert portal.fake.records["tasks"] == {}

    viewing = open_page(link, duration=20.0)
    viewing.play(19.4)
    viewing.http.close()
    until(lambda: (portal.travel(1), portal.fake.records["tasks"])[1])
    portal.travel()
    [task] = portal.fake.records["tasks"].values()
    assert task["hubspot_owner_id"] == owner
    assert "% watched" in task["hs_task_subject"]
    assert portal.fake.lists["42"] == {"101"}
    assert len(portal.fake.records["notes"]) == 1


def tell(portal: Portal, *lines: str) -> None:
    """Install the onboarding campaign with what people are told."""
    text = (Path(str(files("mappings"))) / "campaigns" / "onboarding.toml").read_text()
    folder = portal.station.settings.folder / "mappings" / "campaigns"
    folder.mkdir(parents=True)
    (folder / "onboarding.toml").write_text("\n".join([text, "[tell]", *lines, ""]))
    findings = install_campaigns(portal.station.settings, portal.station.store)
    assert [finding for finding in findings if finding.level == "error"] == []


def test_the_same_action_twice_is_one_video_and_one_callback(portal: Portal) -> None:
    """HubSpot repeats an action under the same callback id when our answer is lost."""
    portal.contact()
    callback = portal.sender.run_action("101", {"campaign": "onboarding"})
    portal.sender.run_action("101", {"campaign": "onboarding"}, callback=callback)
    portal.travel()
    assert len(all_videos(portal.station)) == 1
    assert len(_calls(portal, "callbacks")) == 1


def test_a_refusal_lets_the_workflow_go_on_with_its_reason(portal: Portal) -> None:
    """Who opted out gets no video; the workflow learns why and does not hang."""
    portal.contact(hs_email_optout="true")
    callback = portal.sender.run_action("101", {"campaign": "onboarding"})
    portal.travel()
    told = portal.fake.callbacks[callback]["outputFields"]
    assert told["hs_execution_state"] == "FAIL_CONTINUE"
    assert told["errorCode"]
    assert portal.fields()["cuereel_video_status"] == "blocked_consent"


def test_events_that_come_often_late_and_in_any_order_are_one_video(portal: Portal) -> None:
    """A stage reached is one video, however HubSpot tells of it; our own writes come to nothing."""
    portal.contact()
    portal.fake.take_events()
    portal.fake.change("contacts", "101", {"lifecyclestage": "customer"})
    portal.sender.repeat, portal.sender.shuffle = 3, 7
    assert {attempt.status for attempt in portal.sender.flush()} <= {200, 202, 204}
    portal.travel()
    portal.sender.flush()
    portal.travel()
    assert len(all_videos(portal.station)) == 1
    assert portal.fields()["cuereel_video_url"]


def test_an_abandoned_cart_is_shown_with_its_things_to_the_contact_it_belongs_to(
    portal: Portal,
) -> None:
    """Line items, prices and the way back to the shop come from the cart's associations."""
    portal.contact(firstname="Jürgen", hs_language="de")
    portal.fake.add("carts", {"hs_total_price": "153.90", "hs_currency_code": "EUR",
                              "hs_cart_url": "https://shop.example/c/1"}, id="7")  # fmt: skip
    portal.fake.associate("carts", "7", "contacts", "101")
    for name, price in (("Wanderschuh", "129.90"), ("Socken", "12")):
        item = portal.fake.add("line_items", {"name": name, "price": price, "quantity": "1"})
        portal.fake.associate("carts", "7", "line_items", item)
    portal.fake.take_events()
    portal.fake.change("carts", "7", {"hs_external_status": "Abandoned"})
    portal.sender.flush()
    portal.travel()
    [video] = all_videos(portal.station)
    assert (video.template, video.status.partition("_")[0]) == ("abandoned_cart", "ready")
    assert [row["title"]["text"] for row in video.slots["items"]["rows"]] == [
        "Wanderschuh",
        "Socken",
    ]


def test_a_contact_that_asks_to_be_forgotten_is_erased(portal: Portal) -> None:
    """A privacy deletion removes the video; the page says that it is gone."""
    portal.contact()
    portal.sender.run_action("101", {"campaign": "onboarding"})
    portal.travel()
    link = portal.fields()["cuereel_video_url"]
    portal.fake.forget("101")
    portal.sender.flush()
    portal.travel()
    token = link.rsplit("/", 1)[1]
    with create_app().test_client() as client:
        assert client.get(f"/v/{token}").status_code == 410


def test_what_belonged_to_a_merged_contact_is_the_winners(portal: Portal) -> None:
    """After a merge the link stands on the contact that is left."""
    portal.contact("101")
    portal.contact("202", firstname="Anna")
    portal.sender.run_action("101", {"campaign": "onboarding"})
    portal.travel()
    link = portal.fields("101")["cuereel_video_url"]
    portal.fake.take_events()
    portal.fake.merge("contacts", "202", "101")
    portal.sender.flush()
    portal.travel()
    assert portal.fields("202")["cuereel_video_url"] == link


def test_a_portal_that_removed_us_loses_nothing_until_it_connects_again(portal: Portal) -> None:
    """Work waits while the connection needs an admin, and goes on when it is back."""
    portal.contact()
    portal.fake.uninstall()
    portal.sender.run_action("101", {"campaign": "onboarding"})
    portal.travel()
    with portal.station.store.read() as tx:
        row = connections.get(tx, portal.station.keyring, portal.connection)
        assert leases.dead(tx) is None or list(leases.dead(tx)) == []
    assert row
    assert row.state == "needs_reauth"

    with portal.station.store.write() as tx:
        secrets = portal.fake.secrets()
        connections.reconnect(
            tx, portal.station.keyring, portal.connection, secrets=secrets, config=row.config
        )
        leases.wake(tx, portal.connection)
    portal.travel()
    assert portal.fields()["cuereel_video_url"]


def _calls(portal: Portal, part: str) -> list[tuple[str, str]]:
    return [call for call in portal.fake.calls if part in call[1]]
