"""
The whole road on Salesforce: a flow's message asks for a video, the link stands on the contact, and the
record learns what was watched. Everything travels over HTTP, to us and to the org.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from connector.app import create_app
from connector.cli.connect import around, find_connection
from connector.cli.player import open_page
from connector.crm import kept
from connector.crm.accounts import install_fields
from connector.jobs import station as stations
from connector.jobs.reconcile import reconcile
from connector.jobs.station import Station
from connector.store import Store, connections, leases
from connector.store.tables import WORK
from tests.fakes.salesforce import FakeOrg, Sender, serving
from tests.road.far import all_videos, installed, travel, until

# what the messages of the package carry beside the id
FIELDS = {"Cuereel_Request__c": ("Contact__c", "Lead__c", "Campaign__c")}
SECRET = "the-secret-part-of-the-address-0123456789"


@dataclass
class Org:
    """An installation that one org has let in."""

    fake: FakeOrg
    station: Station
    sender: Sender

    @property
    def connection(self) -> str:
        """The connection of the org."""
        return f"salesforce-{self.fake.org_id}"

    def contact(self, number: str = "101", **fields: Any) -> str:
        """Make a contact of an account in the org."""
        account = self.fake.add("Account", {"Name": "Casa Verde", "Industry": "Retail"}, id="1")
        held = {"FirstName": "Ana", "LastName": "Prieto", "Email": f"p{number}@example.com",
                "AccountId": account, "HasOptedOutOfEmail": False}  # fmt: skip
        return self.fake.add("Contact", {**held, **fields}, id=number)

    def hook(self, query: str) -> str:
        """Return the address that a message of the org goes to."""
        base = self.station.settings.base_url
        return f"{base}/hooks/salesforce/{self.connection}/{SECRET}?{query}"

    def tell(self, query: str, object_: str, *ids: str) -> None:
        """Have the org send an outbound message, and have it answered."""
        self.sender.notify(self.hook(query), object_, list(ids), fields=FIELDS.get(object_, ()))
        self.sender.deliver()

    def travel(self, rounds: int = 4) -> None:
        """Run the stations until nothing more is due."""
        travel(self.station, rounds)

    def look(self) -> None:
        """Ask the org for what no message told, as is done every few minutes."""
        with self.station.store.write() as tx:
            connections.give_up_reconciling(
                tx,
                self.connection,
                int((datetime.now(UTC) - timedelta(hours=1)).timestamp() * 1000),
            )
        reconcile([self.connection])

    def fields(self, person: str) -> dict[str, Any]:
        """Return our fields of a contact or lead as the org shows them, those that say something."""
        held = self.fake.records["Lead" if person.startswith("00Q") else "Contact"][person]
        return {k: v for k, v in held.items() if k.startswith("Cuereel_") and v is not None}

    def rows(self, object_: str) -> list[dict[str, Any]]:
        """Return the records of an object of ours."""
        return list(self.fake.records.get(object_, {}).values())


@pytest.fixture
def org(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    """An org that let us in, our web over HTTP, and the instant renderer."""
    kept.forget_all()
    with serving(FakeOrg()) as fake:
        variables = {"CUEREEL_SALESFORCE_API": fake.url}
        with installed(sqlite_store, monkeypatch, variables, partial(_connect, fake)) as station:
            yield Org(fake, station, Sender(fake))


def _connect(fake: FakeOrg, station: Station) -> None:
    with station.store.write() as tx:
        connections.add(
            tx,
            station.keyring,
            connection_id=f"salesforce-{fake.org_id}",
            crm="salesforce",
            title="Casa Verde",
            secrets={**fake.secrets("client_credentials"), "hook_secret": SECRET},
            config={"org": fake.org_id, "user": fake.user_id, "username": fake.username},
        )


def test_a_won_opportunity_becomes_a_video_whose_watching_stands_on_the_contact(org: Org) -> None:
    """Package deployed, message of its flow, record read, video made, link, view, metrics and rows."""
    with org.station.store.read() as tx:
        row = find_connection(tx, org.station, "salesforce")
    report = install_fields(around(org.station, "salesforce"), row, "admin@example.com")
    assert len(report.made) == 22
    assert dict(report.left_out) == {}

    ana = org.contact()
    deal = org.fake.add(
        "Opportunity", {"Name": "New business", "StageName": "Closed Won", "IsWon": True}
    )
    org.fake.add(
        "OpportunityContactRole", {"OpportunityId": deal, "ContactId": ana, "IsPrimary": True}
    )
    org.sender.fire("Opportunity.Cuereel_Onboarding", "Opportunity", deal)
    org.sender.deliver()
    org.travel()

    written = org.fields(ana)
    assert written["Cuereel_Video_Status__c"].startswith("ready")
    assert "Cuereel_Percent_Watched__c" not in written
    [video] = org.rows("Cuereel_Video__c")
    assert (video["Contact__c"], video["Video_Url__c"]) == (ana, written["Cuereel_Video_Url__c"])

    viewing = open_page(written["Cuereel_Video_Url__c"], duration=20.0)
    viewing.play(8.0)
    viewing.http.close()
    until(lambda: (org.travel(1), "Cuereel_Percent_Watched__c" in org.fields(ana))[1])
    org.travel()
    assert 30 <= org.fields(ana)["Cuereel_Percent_Watched__c"] <= 45
    assert org.fields(ana)["Cuereel_Views__c"] == 1
    [view] = org.rows("Cuereel_Video_View__c")
    assert view["Contact__c"] == ana
    assert 30 <= view["Percent_Watched__c"] <= 45


def test_a_rep_asks_for_a_video_and_finds_it_on_the_request(org: Org) -> None:
    """What the quick action makes is answered with link and status, without any code of the org's."""
    org.fake.install_ours()
    ana = org.contact()
    wish = org.fake.add("Cuereel_Request__c", {"Contact__c": ana, "Campaign__c": "onboarding"})
    org.tell("trigger=video_requested", "Cuereel_Request__c", wish)
    org.travel()

    request = org.fake.records["Cuereel_Request__c"][wish]
    assert request["Video_Url__c"] == org.fields(ana)["Cuereel_Video_Url__c"]
    assert request["Status__c"]


def test_a_lead_is_a_person_too(org: Org) -> None:
    """Its fields come from the lead, its link goes there, and its conversion takes the link along."""
    org.fake.install_ours()
    lead = org.fake.add(
        "Lead",
        {"FirstName": "Jürgen", "LastName": "Weiß", "Company": "Nordlicht", "Email": "j@example.com",
         "HasOptedOutOfEmail": False},
    )  # fmt: skip
    org.tell("trigger=contact_onboarding", "Lead", lead)
    org.travel()
    link = org.fields(lead)["Cuereel_Video_Url__c"]
    [video] = all_videos(org.station)
    assert "Nordlicht" in str(video.slots)

    ana = org.contact(FirstName="Jürgen")
    org.fake.add("Lead", {"IsConverted": True, "ConvertedContactId": ana}, id=lead)
    org.look()
    org.travel()
    assert org.fields(ana)["Cuereel_Video_Url__c"] == link


def test_messages_that_come_often_late_and_in_any_order_are_one_video(org: Org) -> None:
    """Twenty people in two messages that overlap, each told three times: each has one video."""
    org.fake.install_ours()
    people = [org.contact(str(number)) for number in range(500, 520)]
    for some in (people[:12], people[8:]):
        org.sender.notify(org.hook("trigger=contact_onboarding"), "Contact", some)
    for _ in range(3):
        org.sender.deliver()
        org.sender.repeat()
        org.sender.shuffle(7)
    org.travel()
    assert len(all_videos(org.station)) == len(people)
    assert all("Cuereel_Video_Url__c" in org.fields(one) for one in people)


def test_a_cart_that_nobody_told_of_is_found(org: Org) -> None:
    """It was left for more than an hour, and no flow had to be built for that."""
    org.fake.install_ours()
    ana = org.contact(FirstName="Ana")
    buyer = org.fake.add("User", {"Name": "Ana Prieto", "ContactId": ana})
    long_ago = (datetime.now(UTC) - timedelta(minutes=70)).isoformat()
    cart = org.fake.add(
        "WebCart",
        {"Name": "Cart", "Status": "Active", "GrandTotalAmount": 153.9, "CurrencyIsoCode": "EUR",
         "CreatedById": buyer, "LastModifiedDate": long_ago, "SystemModstamp": long_ago},
    )  # fmt: skip
    for name, price in (("Wanderschuh", 129.9), ("Socken", 12)):
        org.fake.add("CartItem", {"CartId": cart, "Name": name, "SalesPrice": price, "Quantity": 1})
    org.look()
    org.look()
    org.travel()
    [video] = all_videos(org.station)
    assert (video.template, video.contact_id) == ("abandoned_cart", ana)
    titles = [row["title"]["text"] for row in video.slots["items"]["rows"]]
    assert sorted(titles) == ["Socken", "Wanderschuh"]


def test_who_opted_out_gets_no_video_and_the_record_says_why(org: Org) -> None:
    """And where the opt-out cannot be read, nobody gets one."""
    org.fake.install_ours()
    ana, ben = org.contact(HasOptedOutOfEmail=True), org.contact("102")
    org.tell("trigger=contact_onboarding", "Contact", ana)
    org.travel()
    assert org.fields(ana)["Cuereel_Video_Status__c"] == "blocked_consent"

    org.fake.hide("Contact", "HasOptedOutOfEmail")
    kept.forget_all()
    org.tell("trigger=contact_onboarding", "Contact", ben)
    org.travel()
    assert org.fields(ben)["Cuereel_Video_Status__c"] == "blocked_consent"
    assert all_videos(org.station) == []


def test_a_deleted_contact_is_erased_and_a_merged_one_follows(org: Org) -> None:
    """Both are found by asking, because no message tells of them."""
    org.fake.install_ours()
    ana, ben, clara = org.contact("101"), org.contact("102"), org.contact("103")
    for one in (ana, ben):
        org.tell("trigger=contact_onboarding", "Contact", one)
    org.travel()
    links = [org.fields(one)["Cuereel_Video_Url__c"] for one in (ana, ben)]
    org.fake.remove("Contact", ana)
    org.fake.remove("Contact", ben, into=clara)
    org.look()
    org.travel()
    with create_app().test_client() as client:
        assert client.get("/v/" + links[0].rsplit("/", 1)[1]).status_code == 410
        assert client.get("/v/" + links[1].rsplit("/", 1)[1]).status_code == 200
    assert org.fields(clara)["Cuereel_Video_Url__c"] == links[1]


def test_an_org_that_revoked_us_loses_nothing_until_it_connects_again(org: Org) -> None:
    """Messages are taken in, work waits, and goes on when the org is back."""
    org.fake.install_ours()
    ana = org.contact()
    org.fake.revoke()
    org.tell("trigger=contact_onboarding", "Contact", ana)
    org.travel()
    with org.station.store.read() as tx:
        row = connections.get(tx, org.station.keyring, org.connection)
        assert list(leases.dead(tx)) == []
    assert row
    assert row.state == "needs_reauth"

    with org.station.store.write() as tx:
        secrets = {**org.fake.secrets("client_credentials"), "hook_secret": SECRET}
        connections.reconnect(
            tx, org.station.keyring, org.connection, secrets=secrets, config=row.config
        )
        leases.wake(tx, org.connection)
    org.travel()
    assert org.fields(ana)["Cuereel_Video_Url__c"]


def test_thousands_of_links_go_in_one_bulk_job(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as there are more than a few calls hold; what one record refuses stops no other."""
    monkeypatch.setenv("CUEREEL_SALESFORCE_BULK_FROM", "10")
    monkeypatch.setattr(stations, "_opened", {})
    org.fake.install_ours()
    people = [org.contact(str(number)) for number in range(500, 530)]
    org.tell("trigger=contact_onboarding", "Contact", *people)
    org.fake.fail_record("FIELD_CUSTOM_VALIDATION_EXCEPTION", "no", object="Contact", times=1)
    until(lambda: (org.travel(1), len(org.fake.jobs) >= 2)[1])
    until(lambda: (_due_now(org), org.travel(1), _linked(org, people) >= len(people) - 1)[2])
    assert _linked(org, people) >= len(people) - 1
    assert len(org.rows("Cuereel_Video__c")) == len(people)


def _due_now(org: Org) -> None:
    """Let the next look at a bulk job be now, instead of in some seconds."""
    with org.station.store.write() as tx:
        tx.execute(update(WORK["bulk_jobs"]).values(due_at=0))


def _linked(org: Org, people: list[str]) -> int:
    return sum("Cuereel_Video_Url__c" in org.fields(one) for one in people)
