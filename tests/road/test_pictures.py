"""Pictures of a cart: what lies somewhere on the web is ours before it is drawn, or is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connector.fetch import keep_picture
from connector.model import Subject
from connector.store.videos import VideoRow
from renderers import render
from renderers.order import Made, Order
from renderers.storyboard import Storyboard
from tests.renderers.samples import picture_bytes
from tests.road.conftest import Road

SHOP = "https://cdn.shop.example.com"


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """A web that answers what the test says, and nothing else."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, road: Road) -> list[Storyboard]:
    """The storyboards that the renderer is handed."""
    seen: list[Storyboard] = []
    real = render.RENDERERS[road.settings.renderer]

    def remember(order: Order) -> Made:
        seen.append(order.board)
        return real(order)

    monkeypatch.setitem(render.RENDERERS, road.settings.renderer, remember)
    return seen


def send(road: Road, *pictures: str) -> VideoRow:
    """Let a cart be abandoned whose items have these pictures."""
    items = [{"title": f"Thing {n}", "price": 9, "image": url} for n, url in enumerate(pictures)]
    cart = {"contact_id": "c1", "items": items, "total": 18, "currency": "EUR"}
    road.contact("c1", first_name="Ada")
    road.record("cart", "A1", {**cart, "checkout_url": "https://shop.example.com/c/A1"})
    road.post("cart.abandoned", Subject("cart", "A1"), contact_id="c1")
    road.travel()
    [video] = road.videos()
    return video


def sources(board: Storyboard) -> list[tuple[str, str | None]]:
    rows = [row for scene in board.scenes for part in scene.layers for row in _rows(part)]
    return [(row.title, row.picture) for row in rows]


def _rows(part: Any) -> Any:
    return getattr(part, "rows", ())


def test_a_picture_on_the_web_is_fetched_and_drawn_from_our_own_storage(
    road: Road, web: responses.RequestsMock, drawn: list[Storyboard]
) -> None:
    """The renderer sees stored files only, and the video needs no fallback for them."""
    content = picture_bytes()
    web.get(f"{SHOP}/lamp.png?v=2", body=content)
    stored = f"asset:{keep_picture(content, road.settings.folder / 'assets')}"
    video = send(road, f"{SHOP}/lamp.png?v=2", stored)
    assert "items" not in video.fallback_slots
    assert video.status.startswith("ready")
    assert sources(drawn[-1]) == [("Thing 0", stored), ("Thing 1", stored)]


def test_a_picture_that_cannot_be_had_is_left_out_and_the_record_says_so(
    road: Road, web: responses.RequestsMock, drawn: list[Storyboard]
) -> None:
    """Gone, inside, or no picture at all: the item keeps its title and its price."""
    web.get(f"{SHOP}/gone.png", status=404)
    web.get(f"{SHOP}/page.png", body=b"<html>", content_type="image/png")
    video = send(road, f"{SHOP}/gone.png", "http://127.0.0.1/admin.png", f"{SHOP}/page.png")
    assert video.status == "ready_with_fallback"
    assert "items" in video.fallback_slots
    assert "items" in road.fields()["cuereel_video_status_reason"]
    assert sources(drawn[-1]) == [("Thing 0", None), ("Thing 1", None), ("Thing 2", None)]
