"""Further calls to action on the whole road: from the campaign's file to the stored video, and gone."""

from __future__ import annotations

from sqlalchemy import select

from connector.model import Subject
from connector.store.tables import videos as video_table
from tests.road.conftest import Road
from tests.road.test_road import install


def test_a_review_offers_a_call_with_the_owner_while_its_figures_play(any_road: Road) -> None:
    """Its words and address are the record's; a click leads to where the row says."""
    any_road.contact("c1", first_name="Maya")
    any_road.record(
        "account", "N/7", {"contact_id": "c1", "name": "Northwind", "owner_name": "Sam Okafor"}
    )
    any_road.post("account.review_due", Subject("account", "N/7"), contact_id="c1")
    any_road.travel()
    [video] = any_road.videos()
    assert video.actions == [
        {
            "key": "advisor",
            "kind": "calendar",
            "label": "Talk it over with Sam Okafor",
            "url": "https://example.com/review/call?account=N%2F7",
            "scenes": ["usage", "seats", "savings"],
        }
    ]
    link = any_road.fields()["cuereel_video_url"].removeprefix(any_road.settings.base_url)
    answer = any_road.client.post(f"{link}/cta", data={"c": "advisor"})
    assert answer.headers["Location"] == "https://example.com/review/call?account=N%2F7"


def test_an_erased_contact_leaves_no_address_behind(any_road: Road) -> None:
    """The words and addresses of its buttons were about it too."""
    install(
        any_road,
        "onboarding",
        url=('"https://example.com/community"', '"https://example.com/{{ subject.id }}"'),
        text=('"Meet other customers"', '"Only for {{ contact.first_name }}"'),
    )
    any_road.contact("c1", first_name="Zuzanna")
    any_road.post()
    any_road.travel()
    [video] = any_road.videos()
    [action] = video.actions or []
    assert (action["label"], action["url"]) == ("Only for Zuzanna", "https://example.com/c1")
    link = any_road.fields()["cuereel_video_url"].removeprefix(any_road.settings.base_url)
    any_road.post("contact.deleted")
    any_road.travel()
    with any_road.store.read() as tx:
        [row] = tx.execute(select(video_table)).all()
    assert row.actions is None
    assert "Zuzanna" not in str(row)
    assert any_road.client.post(f"{link}/cta", data={"c": "community"}).status_code == 404
