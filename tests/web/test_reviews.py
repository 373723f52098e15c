"""Videos in the console and the API: what was noticed about them, and a person's word on it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connector.model import VideoStatus
from connector.store import audit, logins, records, users
from connector.store.logins import Use
from connector.store.users import Role
from tests.web.colleagues import Office, Visitor, stored_password
from tests.web.viewing import Reel, Viewing

FINDINGS = [
    {"reason": "contrast_low", "severity": "review", "sentence": "Slot 'plan' is <pale>.",
     "scene": "plan", "slot": "plan"},
    {"reason": "caption_fast", "severity": "note", "sentence": "A caption is fast.",
     "scene": "hello", "slot": None},
]  # fmt: skip


@pytest.fixture
def office(viewing_sqlite: Viewing) -> Office:
    """The people of the installation that *viewing* sees."""
    office = Office(viewing_sqlite.app, viewing_sqlite.store)
    with office.store.write() as tx:
        for role in Role:
            office.ids[role] = users.add(tx, f"{role}@example.com", stored_password(), role).id
        records.put(tx, "local", "contact", "c1", {"first_name": "Ana", "last_name": "Prieto"})
    return office


@pytest.fixture
def kept(viewing_sqlite: Viewing) -> Reel:
    """A video that was kept back for two reasons."""
    return keep_back(viewing_sqlite)


def keep_back(viewing: Viewing, status: VideoStatus = VideoStatus.NEEDS_REVIEW) -> Reel:
    """Store a finished video with findings."""
    reel = viewing.reel(status, reason="contrast_low", sentence="Slot 'plan' is <pale>.")
    viewing.change(
        reel.id, receipt={**viewing.receipt(reel.id), "findings": FINDINGS}, ready_at=None
    )
    return reel


def api(office: Office, reel_id: str, body: Any, role: Role = Role.REP) -> Any:
    """Send a word on a video by the API."""
    with office.store.write() as tx:
        token = logins.open_login(tx, office.ids[role], Use.API)
    return office.app.test_client().post(
        f"/api/v1/videos/{reel_id}/review", json=body, headers={"Authorization": f"Bearer {token}"}
    )


def judge(visitor: Visitor, reel: Reel, action: str) -> Any:
    """Press Approve or Reject on the video's page."""
    page = f"/console/videos/{reel.id}"
    return visitor.post(page, {"action": action}, page=page)


def test_what_waits_for_a_look_is_listed(
    viewing_sqlite: Viewing, office: Office, kept: Reel
) -> None:
    """The list says whose video it is and why it waits; a filter leaves out the others."""
    viewing_sqlite.reel(contact_id="c2")
    visitor = office.visitor(Role.VIEWER)
    assert len(re.findall(r'href="/console/videos/\w+"', visitor.get("/console/videos").text)) == 2
    page = visitor.get("/console/videos?status=needs_review").text
    assert re.findall(r'href="/console/videos/(\w+)"', page) == [kept.id]
    assert "Ana Prieto" in page
    assert "Slot &#39;plan&#39; is &lt;pale&gt;." in page


def test_a_video_has_a_page_with_everything_that_was_noticed(office: Office, kept: Reel) -> None:
    """Each finding stands there in words with scene and slot, and the film can be watched."""
    visitor = office.visitor(Role.REP)
    page = visitor.get(f"/console/videos/{kept.id}")
    for part in (
        "Slot &#39;plan&#39; is &lt;pale&gt;.",
        "A caption is fast.",
        "Scene hello",
        "Slot plan",
        "To be looked at",
        f'src="/console/videos/{kept.id}/video.mp4"',
        "media-src 'self'",
    ):
        assert part in page.text + page.headers["Content-Security-Policy"]
    film = visitor.get(f"/console/videos/{kept.id}/video.mp4")
    assert (film.status_code, film.content_type) == (200, "video/mp4")
    assert visitor.get(f"/console/videos/{kept.id}/receipt").status_code == 404


def test_approving_shows_the_video_and_leaves_its_line_in_the_log(
    viewing_sqlite: Viewing, office: Office, kept: Reel
) -> None:
    """After the button the viewer's page plays, and the job that tells the CRM is rung for."""
    visitor = office.visitor(Role.REP)
    before = viewing_sqlite.client.get(kept.path).text
    answer = judge(visitor, kept, "approve")
    assert answer.status_code == 303
    assert viewing_sqlite.video(kept).status == "approved"
    assert viewing_sqlite.video(kept).ready_at
    assert 'id="player"' not in before
    assert 'id="player"' in viewing_sqlite.client.get(kept.path).text
    with office.store.read() as tx:
        last = audit.entries(tx)[0]
    assert (last.actor, last.action, last.subject) == (
        "rep@example.com", "approve", f"video:{kept.id}",
    )  # fmt: skip
    assert ("update_engagement", [kept.id], None) in viewing_sqlite.bells.rung


def test_a_word_can_be_taken_back(viewing_sqlite: Viewing, office: Office, kept: Reel) -> None:
    """Rejected by mistake, a video can be approved after all, and the other way round."""
    visitor = office.visitor(Role.REP)
    for action, status in (("reject", "rejected"), ("approve", "approved"), ("reject", "rejected")):
        judge(visitor, kept, action)
        assert viewing_sqlite.video(kept).status == status


def test_only_what_was_kept_back_can_be_judged(viewing_sqlite: Viewing, office: Office) -> None:
    """A video that is shown, made anew or failed stays as it is, and its page has no buttons."""
    visitor = office.visitor(Role.REP)
    for status in (VideoStatus.READY, VideoStatus.RENDERING, VideoStatus.FAILED):
        reel = viewing_sqlite.reel(status)
        page = visitor.get(f"/console/videos/{reel.id}").text
        assert 'value="approve"' not in page
        judge(visitor, reel, "reject")
        assert viewing_sqlite.video(reel).status == status
        assert api(office, reel.id, {"approved": True}).status_code == 409


def test_a_viewer_of_the_console_sees_no_buttons(office: Office, kept: Reel) -> None:
    """Who may only look is not offered what they may not do."""
    page = office.visitor(Role.VIEWER).get(f"/console/videos/{kept.id}").text
    assert "What was noticed" in page
    assert 'value="approve"' not in page


def test_programs_judge_too(viewing_sqlite: Viewing, office: Office, kept: Reel) -> None:
    """The API lists findings and takes a word on a video."""
    assert api(office, kept.id, {"approved": True}, Role.VIEWER).status_code == 403
    assert api(office, kept.id, {"approved": "yes"}).status_code == 400
    assert api(office, "nothing", {"approved": True}).status_code == 404
    assert api(office, kept.id, {"approved": True}).get_json() == {
        "id": kept.id, "status": "approved",
    }  # fmt: skip
    with office.store.write() as tx:
        token = logins.open_login(tx, office.ids[Role.VIEWER], Use.API)
    listed = office.app.test_client().get(
        "/api/v1/videos?contact=c1", headers={"Authorization": f"Bearer {token}"}
    )
    [video] = listed.get_json()["videos"]
    assert video["findings"] == FINDINGS


def test_the_files_of_a_video_that_is_not_made_are_not_there(
    viewing_sqlite: Viewing, office: Office
) -> None:
    """The console sends files of finished videos only, and nothing of erased ones."""
    visitor = office.visitor(Role.ADMIN)
    for status in (VideoStatus.QUEUED, VideoStatus.EXPIRED, VideoStatus.ERASED):
        reel = viewing_sqlite.reel(status, rendered=True)
        assert visitor.get(f"/console/videos/{reel.id}/video.mp4").status_code == 404
