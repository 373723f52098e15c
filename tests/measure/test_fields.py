"""What ends up on the contact."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from connector.decide.dictionary import WRITE_WORDS
from connector.decide.reasons import refused
from connector.measure.fields import (
    ENGAGEMENT_WORDS,
    SessionFacts,
    VideoFacts,
    decision_fields,
    engagement_fields,
    video_fields,
)
from connector.measure.segments import Segment

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCENES = (
    {"name": "hello", "start": 0.0, "seconds": 4.0},
    {"name": "offer", "start": 4.0, "seconds": 6.0},
)
VIDEO = VideoFacts(
    id="v2",
    url="https://video.example.com/v/abc",
    status="ready_with_fallback",
    thumbnail_url="https://video.example.com/v/abc/poster.jpg",
    reason="ok",
    sentence="A video is made for Ana.",
    template="abandoned_cart",
    variant="plain",
    fallback_slots=("first_name", "items"),
    ready_at=NOW,
    expires_at=NOW + timedelta(days=30),
    duration=10.0,
    scenes=SCENES,
)


def session(
    segments: Sequence[Segment] = ((0.0, 8.0, 1.0),),
    *,
    video: str = "v2",
    minutes_ago: int = 0,
    viewer: str = "human",
    viewed: bool = True,
    clicks: Sequence[str] = (),
) -> SessionFacts:
    """Make one session of a video of 10 s."""
    at = NOW - timedelta(minutes=minutes_ago)
    last = segments[-1][1] if segments else 0.0
    return SessionFacts(
        video, at, at + timedelta(seconds=20), 10.0, segments, last, viewed, viewer, clicks
    )


def test_the_newest_video_is_described() -> None:
    """Link, status with its reason, what was shown, and times in UTC."""
    assert video_fields(VIDEO) == {
        "video_url": "https://video.example.com/v/abc",
        "thumbnail_url": "https://video.example.com/v/abc/poster.jpg",
        "video_status": "ready_with_fallback",
        "video_status_reason": "A video is made for Ana. (ok)",
        "video_template": "abandoned_cart",
        "video_variant": "plain",
        "video_fallback_slots": "first_name, items",
        "video_ready_at": "2026-11-21T12:00:00Z",
        "video_expires_at": "2026-12-21T12:00:00Z",
    }


def test_what_is_not_known_is_empty() -> None:
    """A minted video has no picture, no times and no fallbacks yet."""
    fields = video_fields(VideoFacts(id="v", url="https://x.example/v", status="minted"))
    assert {word for word, value in fields.items() if value is not None} == {
        "video_url", "video_status",
    }  # fmt: skip


def test_times_of_other_zones_are_written_in_utc() -> None:
    """One clock on the record."""
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert video_fields(replace(VIDEO, ready_at=there))["video_ready_at"] == "2026-11-21T12:00:00Z"


def test_a_refusal_changes_only_status_and_reason() -> None:
    """The link of an earlier video stays on the record."""
    assert decision_fields(refused("opted_out", "Not sent: Ana opted out.")) == {
        "video_status": "blocked_consent",
        "video_status_reason": "Not sent: Ana opted out. (opted_out)",
    }


def test_before_anybody_watched_everything_is_empty() -> None:
    """Unknown is never zero."""
    fields = engagement_fields(VIDEO, [], NOW)
    assert fields == dict.fromkeys(ENGAGEMENT_WORDS)


def test_one_view_is_described() -> None:
    """Shares are unique seconds by length; the scene says where the viewer stopped."""
    watched = session(((0.0, 4.0, 1.0), (2.0, 6.0, 1.0)), clicks=("main",))
    assert engagement_fields(VIDEO, [watched], NOW) == {
        "percent_watched": 60,
        "views": 1,
        "last_viewed_at": "2026-11-21T12:00:20Z",
        "engagement_score": 23,
        "last_cta": "main",
        "first_viewed_at": "2026-11-21T12:00:00Z",
        "furthest_percent": 60,
        "seconds_watched": 8,
        "rewatches": 1,
        "drop_off_scene": "offer",
        "cta_clicks": 1,
        "engagement_tier": "hot",
    }


def test_a_video_seen_through_has_no_scene_where_somebody_stopped() -> None:
    """Even if the last view was only of its beginning."""
    fields = engagement_fields(
        VIDEO, [session(((0.0, 10.0, 1.0),), minutes_ago=9), session(((0.0, 3.0, 1.0),))], NOW
    )
    assert fields["drop_off_scene"] is None
    assert (fields["percent_watched"], fields["views"], fields["rewatches"]) == (100, 2, 1)


def test_views_of_the_same_video_add_up_to_its_share() -> None:
    """The contact has seen what they saw in all sessions together."""
    halves = [session(((0.0, 5.0, 1.0),), minutes_ago=9), session(((5.0, 9.0, 1.0),))]
    fields = engagement_fields(VIDEO, halves, NOW)
    assert (fields["percent_watched"], fields["seconds_watched"]) == (90, 9)


def test_earlier_videos_count_for_the_contact_but_not_for_the_newest_video() -> None:
    """Score, views and times cover all videos; shares describe the newest one."""
    earlier = session(((0.0, 10.0, 1.0),), video="v1", minutes_ago=60, clicks=("main",))
    fields = engagement_fields(VIDEO, [earlier], NOW)
    assert (fields["views"], fields["engagement_score"], fields["last_cta"]) == (1, 25, "main")
    assert fields["first_viewed_at"] == "2026-11-21T11:00:00Z"
    assert fields["percent_watched"] is None
    assert fields["cta_clicks"] is None
    both = engagement_fields(VIDEO, [session(((0.0, 5.0, 1.0),)), earlier], NOW)
    assert (both["views"], both["percent_watched"]) == (2, 50)
    assert (both["cta_clicks"], both["last_cta"]) == (0, "main")


@pytest.mark.parametrize("viewer", ["unknown", "bot", "self", "preview"])
def test_only_people_count(viewer: str) -> None:
    """Scanners, colleagues and the unverified leave no trace on the contact."""
    others = [session(viewer=viewer, clicks=("main",))]
    assert engagement_fields(VIDEO, others, NOW) == dict.fromkeys(ENGAGEMENT_WORDS)
    with_person = [*others, session(((0.0, 3.0, 1.0),))]
    fields = engagement_fields(VIDEO, with_person, NOW)
    assert (fields["views"], fields["percent_watched"], fields["cta_clicks"]) == (1, 30, 0)


def test_a_load_without_a_view_does_not_count() -> None:
    """Opening the page is not watching."""
    assert engagement_fields(VIDEO, [session(viewed=False)], NOW)["views"] is None


def test_who_opted_out_is_cold() -> None:
    """What they watched stays, the score goes."""
    fields = engagement_fields(VIDEO, [session()], NOW, opted_out=True)
    assert (fields["engagement_score"], fields["engagement_tier"]) == (0, "cold")
    assert fields["views"] == 1


def test_the_order_of_sessions_does_not_matter() -> None:
    """However rows come out of the database, the record says the same."""
    some = [session(minutes_ago=n, clicks=(f"c{n}",)) for n in (5, 1, 9)]
    assert engagement_fields(VIDEO, some, NOW) == engagement_fields(VIDEO, some[::-1], NOW)
    assert engagement_fields(VIDEO, some, NOW)["last_cta"] == "c1"


def test_every_word_is_one_that_we_write_and_every_value_is_plain() -> None:
    """The words are those of the dictionaries, and values go into JSON as they are."""
    fields = {**video_fields(VIDEO), **engagement_fields(VIDEO, [session()], NOW)}
    assert set(WRITE_WORDS) - set(fields) == {"tracking_consent"}
    assert set(fields) <= set(WRITE_WORDS)
    assert json.loads(json.dumps(fields)) == fields
