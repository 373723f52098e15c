"""A film that is too old, or being made afresh, keeps its picture wherever people copy it from."""

from __future__ import annotations

from typing import Any

import pytest

from connector.model import VideoStatus
from connector.store.clock import now
from connector.web.card_facts import card_of
from connector.web.desk import Desk
from connector.web.rep_copy import copies_of
from connector.web.rep_facts import picture_of
from connector.web.screens import view_of
from tests.web.viewing import CONNECTION, Viewing

OLD = {"fresh_seconds": 3600, "filled_at": 1}


@pytest.mark.parametrize(
    ("status", "columns"),
    [(VideoStatus.READY, OLD), (VideoStatus.APPROVED, OLD), (VideoStatus.STALE, OLD)],
)
def test_link_picture_and_mail_stay(
    viewing_sqlite: Viewing, status: VideoStatus, columns: dict[str, Any]
) -> None:
    """The card in the CRM, the rep's page and the copy for an e-mail show it as before."""
    here: Desk = viewing_sqlite.app.extensions["cuereel"]
    reel = viewing_sqlite.reel(status, rendered=True, **columns)
    video = viewing_sqlite.video(reel)
    with viewing_sqlite.store.read() as tx:
        at = now(tx)
        card = card_of(tx, here, CONNECTION, "c1")
    picture = f"{reel.path}/poster.jpg"
    assert card["link"].endswith(reel.path)
    assert card["thumbnail"].endswith(picture)
    assert picture in card["email_html"]
    assert picture_of(here, video, at) == picture
    assert "still" in copies_of(view_of(video, at, here.settings), card["link"])
    assert viewing_sqlite.client.get(picture).status_code == 200


def test_what_is_filled_anew_for_the_first_time_has_no_picture_yet(viewing_sqlite: Viewing) -> None:
    """There is a link to copy, and nothing to show beside it."""
    here: Desk = viewing_sqlite.app.extensions["cuereel"]
    reel = viewing_sqlite.reel(VideoStatus.STALE, **OLD)
    with viewing_sqlite.store.read() as tx:
        card = card_of(tx, here, CONNECTION, "c1")
    assert card["link"].endswith(reel.path)
    assert card["thumbnail"] == ""
    assert picture_of(here, viewing_sqlite.video(reel), 0) == ""
