"""What was noticed about a video decides whether it is shown, kept back or given up."""

from __future__ import annotations

import pytest

from connector.jobs.update_engagement import update_engagement
from connector.model import Subject
from connector.store import leases, videos
from connector.store.videos import VideoRow
from connector.web.desk import Desk
from connector.web.review import review
from renderers import render
from renderers.encode import probe
from renderers.order import Made, Order
from renderers.quality.findings import Finding
from tests import instant
from tests.road.conftest import Road

NOTE = Finding("caption_fast", "note", "A caption is fast.", scene="hello")
PALE = Finding("contrast_low", "review", "The text of slot 'plan' is pale.", "plan", "plan")
SMALL = Finding("text_small", "review", "A text is small.", scene="hello")
BROKEN = Finding("frames_wrong", "fail", "The file has 9 frames, the storyboard 10.")


def made(road: Road, monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> VideoRow:
    """Onboard a contact whose video is looked at with these findings."""
    monkeypatch.setattr(render, "look", lambda _order, _made: findings)
    road.contact("c1", plan="team")
    road.post()
    road.travel()
    [video] = road.videos()
    return video


def page(road: Road, video: VideoRow, part: str = "") -> tuple[int, str]:
    """Open the viewer's page of a video, or what lies below it."""
    link = road.station.keyring.decrypt(video.token_sealed)
    answer = road.client.get(f"/v/{link}{part}")
    return answer.status_code, answer.text if not part else ""


def judge(road: Road, video: VideoRow, *, approved: bool) -> VideoRow:
    """Approve or reject as the console does; the job then tells the CRM."""
    station = road.station
    here = Desk(road.settings, road.store, station.keyring, station.doorbell, station.limits)
    assert review(here, video.id, approved=approved, actor="rep@example.com")
    update_engagement([video.id])
    road.travel("changes")
    return road.videos()[0]


def test_a_video_with_notes_alone_is_shown(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes are kept on the receipt and keep nobody waiting."""
    video = made(road, monkeypatch, NOTE)
    assert video.status == "ready"
    assert video.receipt
    assert [one["reason"] for one in video.receipt["findings"]] == ["caption_fast"]
    assert page(road, video, "/video.mp4")[0] == 200


def test_a_doubtful_video_is_kept_back_until_somebody_approves_it(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record says what is doubtful; the viewer waits politely, and sees it once approved."""
    video = made(road, monkeypatch, NOTE, PALE, SMALL)
    assert (video.status, video.reason) == ("needs_review", "contrast_low")
    fields = road.fields()
    assert fields["cuereel_video_status"] == "needs_review"
    assert fields["cuereel_video_status_reason"] == f"{PALE.sentence} (contrast_low)"
    assert fields["cuereel_video_url"]
    assert fields.get("cuereel_thumbnail_url") is None
    code, text = page(road, video)
    assert (code, "Your video is being made" in text, "pale" in text) == (200, True, False)
    assert page(road, video, "/video.mp4")[0] == 404

    approved = judge(road, video, approved=True)

    assert approved.status == "approved"
    assert road.fields()["cuereel_video_status"] == "approved"
    assert road.fields()["cuereel_thumbnail_url"].endswith("/poster.jpg")
    assert road.fields().get("cuereel_video_status_reason") is None
    assert 'id="player"' in page(road, video)[1]
    assert page(road, video, "/video.mp4")[0] == 200


def test_a_rejected_video_is_shown_to_nobody(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link leaves the record and its page says that there is no video."""
    video = made(road, monkeypatch, PALE)
    rejected = judge(road, video, approved=False)
    assert (rejected.status, rejected.reason) == ("rejected", "rejected")
    assert road.fields()["cuereel_video_status"] == "rejected"
    assert road.fields().get("cuereel_video_url") is None
    assert "not available" in page(road, video)[1]
    assert page(road, video, "/video.mp4")[0] == 404


def test_a_broken_video_fails_with_its_reason_and_can_be_tried_again(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is published, its findings are kept, and a retry that goes well is shown."""
    video = made(road, monkeypatch, PALE, BROKEN)
    assert (video.status, video.reason) == ("failed", "frames_wrong")
    assert road.fields()["cuereel_video_status_reason"] == f"{BROKEN.sentence} (frames_wrong)"
    assert video.receipt
    assert [one["severity"] for one in video.receipt["findings"]] == ["fail", "review"]
    assert not list((road.settings.folder / "files").rglob("video.mp4"))
    monkeypatch.setattr(render, "look", lambda _order, _made: ())
    with road.store.write() as tx:
        videos.redo(tx, leases.revive(tx, "videos"))
    road.travel("changes", "videos")
    assert road.videos()[0].status == "ready"


def test_the_renderer_is_told_where_to_keep_things_and_whether_to_share_them(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings reach the renderer: the folder of this machine, and whether scenes are reused."""
    orders: list[tuple[bool, str]] = []

    def remember(order: Order) -> Made:
        orders.append((order.reuse, order.shelf.folder.parent.name))
        return instant.make(order)

    monkeypatch.setitem(render.RENDERERS, render.DEFAULT, remember)
    made(road, monkeypatch)
    assert orders == [(True, "compiled")]


def test_two_contacts_get_real_videos_and_share_what_is_not_personal(real_road: Road) -> None:
    """The renderer that users have: whole files, and the second video encodes no scene anew."""
    compiled = real_road.settings.folder / "compiled"
    shelves: list[set[str]] = []
    for contact, name in (("c1", "Nguyễn"), ("c2", "प्रिया")):
        real_road.contact(contact, first_name=name, plan="team")
        real_road.post(subject=Subject("contact", contact))
        real_road.travel()
        [video] = real_road.videos(contact)
        assert video.status in ("ready", "ready_with_fallback")
        assert video.receipt
        film = real_road.settings.folder / "files" / video.receipt["files"]["video.mp4"]
        facts = probe(film)
        assert (facts.height, facts.video_codec) == (180, "h264")
        assert facts.seconds == pytest.approx(video.receipt["duration"], abs=0.05)
        shelves.append({path.name for path in compiled.rglob("scene-*")})
    assert shelves[0]
    assert shelves[0] == shelves[1]
