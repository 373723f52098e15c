"""The viewer's pages: what each state of a video shows, and that looking changes nothing."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest
from sqlalchemy import select

from connector.model import Subject, VideoStatus
from connector.publish import open_files
from connector.settings import Settings
from connector.store import logins, subjects, users
from connector.store.clock import now
from connector.store.ids import new_id
from connector.store.logins import Use
from connector.store.tables import events, measures
from connector.store.users import Role
from connector.web.phrases import language_of
from connector.web.wire import read_ticket
from tests.web.viewing import Viewing

READY = VideoStatus.READY
STATUSES = list(VideoStatus)
ROUTES = ["", "/status", "/opt-out", "/video.mp4", "/poster.jpg", "/captions.vtt", "/chapters.vtt"]


def ticket_on(page: str) -> str:
    """Find the beacon token that a page hands to its player."""
    found = re.search(r'data-ticket="([^"]+)"', page)
    return found[1] if found else ""


def test_a_ready_video_plays_on_its_page(viewing: Viewing) -> None:
    """Film, poster, captions, chapters, transcript and the call to action are all there."""
    reel = viewing.reel()
    answer = viewing.client.get(reel.path)
    assert answer.status_code == 200
    for part in (
        "<h1>A video for <bdi>Ana</bdi></h1>",
        f'src="{reel.path}/video.mp4?n=1"',
        f'poster="{reel.path}/poster.jpg"',
        f'kind="captions" src="{reel.path}/captions.vtt?n=1" srclang="en" label="English" default',
        f'kind="chapters" src="{reel.path}/chapters.vtt?n=1"',
        "<p>Here is your plan.</p>",
        "Book your first session",
        f'action="{reel.path}/cta"',
        "playsinline",
    ):
        assert part in answer.text


def test_the_files_arrive_with_their_types(viewing_sqlite: Viewing) -> None:
    """Each file comes whole, private, with its type and a tag to ask again by."""
    reel = viewing_sqlite.reel()
    for name, kind in (
        ("video.mp4", "video/mp4"),
        ("poster.jpg", "image/jpeg"),
        ("captions.vtt", "text/vtt; charset=utf-8"),
    ):
        answer = viewing_sqlite.client.get(f"{reel.path}/{name}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Cache-Control"] == "private, no-cache"
        again = viewing_sqlite.client.get(
            f"{reel.path}/{name}", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=12000-", slice(12000, None)),
        ("bytes=-5", slice(-5, None)),
    ],
)
def test_a_player_may_ask_for_any_part(viewing_sqlite: Viewing, asked: str, part: slice) -> None:
    """Seeking works, because ranges are answered as HTTP says."""
    reel = viewing_sqlite.reel()
    whole = viewing_sqlite.client.get(f"{reel.path}/video.mp4")
    answer = viewing_sqlite.client.get(f"{reel.path}/video.mp4", headers={"Range": asked})
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert answer.status_code == 206
    assert answer.data == whole.data[part]
    assert answer.headers["Content-Range"].endswith(f"/{len(whole.data)}")


def test_a_range_beyond_the_end_is_refused(viewing_sqlite: Viewing) -> None:
    """A wrong range gets 416, not a wrong part."""
    reel = viewing_sqlite.reel()
    path = f"{reel.path}/video.mp4"
    answer = viewing_sqlite.client.get(path, headers={"Range": "bytes=999999-"})
    assert answer.status_code == 416


def test_a_long_film_arrives_in_pieces(viewing_sqlite: Viewing) -> None:
    """What is larger than one piece is put together without a seam, whole and in part."""
    reel = viewing_sqlite.reel()
    content = random.Random(5).randbytes(700_001)
    made = viewing_sqlite.settings.folder / "long.mp4"
    made.write_bytes(content)
    open_files(viewing_sqlite.settings).put(f"local/{reel.id}/1/video.mp4", made)
    path = f"{reel.path}/video.mp4"
    assert viewing_sqlite.client.get(path).data == content
    part = viewing_sqlite.client.get(path, headers={"Range": "bytes=262100-524400"})
    assert part.data == content[262_100:524_401]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(viewing: Viewing, method: str) -> None:
    """Whatever a link scanner opens, the database is the same before and after."""
    reels = [viewing.reel(status) for status in STATUSES]
    client, before = viewing.client, viewing.contents()
    for reel in reels:
        for route in [*ROUTES, "/open", "/cta"]:
            client.open(reel.path + route, method=method, headers={"Sec-Purpose": "prefetch"})
        assert viewing.contents() == before
    assert viewing.bells.rung == []


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (VideoStatus.MINTED, 200, "Your video is one tap away"),
        (VideoStatus.STALE, 200, "Your video is being made"),
        (VideoStatus.QUEUED, 200, "Your video is being made"),
        (VideoStatus.RENDERING, 200, "Your video is being made"),
        (VideoStatus.FAILED, 200, "This video is not available right now"),
        (VideoStatus.REJECTED, 200, "This video is not available right now"),
        (VideoStatus.NEEDS_REVIEW, 200, "Your video is being made"),
        (VideoStatus.EXPIRED, 410, "This video is no longer available"),
        (VideoStatus.ERASED, 410, "This video is no longer available"),
    ],
)
def test_a_video_that_cannot_play_has_a_polite_page(
    viewing_sqlite: Viewing, status: VideoStatus, code: int, sentence: str
) -> None:
    """Each state has its page; none shows a status word, a reason or a sentence for admins."""
    reel = viewing_sqlite.reel(status, reason="slot_missing", sentence="Slot 'x' has no value.")
    answer = viewing_sqlite.client.get(reel.path)
    assert answer.status_code == code
    assert f"{sentence}</" in answer.text
    shown = answer.text.lower()
    for secret in (
        "slot",
        "needs_review",
        "failed",
        "rejected",
        "queued",
        "rendering",
        "traceback",
    ):
        assert secret not in shown
    assert "video.mp4" not in answer.text


def test_a_link_that_has_run_out_says_so_before_anybody_marks_it(viewing_sqlite: Viewing) -> None:
    """The time decides, not the sweep; the film is no longer served either."""
    reel = viewing_sqlite.reel(expires_at=1)
    assert viewing_sqlite.client.get(reel.path).status_code == 410
    assert viewing_sqlite.client.get(f"{reel.path}/video.mp4").status_code == 410
    assert viewing_sqlite.client.post(f"{reel.path}/cta").status_code == 404


def test_a_film_that_is_too_old_waits_to_be_made_afresh_and_its_files_stay(
    viewing_sqlite: Viewing,
) -> None:
    """The page asks to press play and changes nothing; the picture in an e-mail stays as it is."""
    reel = viewing_sqlite.reel(fresh_seconds=3600, filled_at=1)
    before = viewing_sqlite.contents()
    page = viewing_sqlite.client.get(reel.path)
    assert f'data-open="{reel.path}/open"' in page.text
    assert 'id="player"' not in page.text
    assert viewing_sqlite.client.get(f"{reel.path}/poster.jpg").status_code == 200
    assert viewing_sqlite.client.get(f"{reel.path}/video.mp4?n=1").status_code == 200
    assert viewing_sqlite.contents() == before


def test_two_who_open_a_film_that_is_too_old_ring_once(viewing: Viewing) -> None:
    """It is due once, at the head of the queue, and goes on showing its files to the others."""
    reel = viewing.reel(fresh_seconds=3600, filled_at=1)
    for _ in range(2):
        assert viewing.client.post(f"{reel.path}/open").status_code == 303
    assert viewing.bells.rung == [("render_video", [reel.id], "render-now")]
    video = viewing.video(reel)
    assert (video.status, video.queue) == ("stale", "render-now")
    assert viewing.client.get(f"{reel.path}/status").json == {"ready": False, "coming": True}
    assert viewing.client.get(f"{reel.path}/poster.jpg").status_code == 200


@pytest.mark.parametrize("status", [VideoStatus.NEEDS_REVIEW, VideoStatus.REJECTED])
def test_what_is_kept_back_serves_no_file(viewing_sqlite: Viewing, status: VideoStatus) -> None:
    """Also where it was filled so long ago that it would be made afresh otherwise."""
    reel = viewing_sqlite.reel(status, rendered=True, fresh_seconds=3600, filled_at=1)
    assert viewing_sqlite.client.get(f"{reel.path}/poster.jpg").status_code == 404
    viewing_sqlite.client.post(f"{reel.path}/open")
    assert viewing_sqlite.video(reel).status == status


def test_a_player_is_never_handed_another_film_than_it_began_with(viewing_sqlite: Viewing) -> None:
    """Files that a page asks for by the number of its film are gone with that film."""
    reel = viewing_sqlite.reel(version=2)
    assert f"{reel.path}/video.mp4?n=2" in viewing_sqlite.client.get(reel.path).text
    for number, code in (("2", 200), ("1", 410), ("3", 410), ("x", 410)):
        path = f"{reel.path}/video.mp4?n={number}"
        assert viewing_sqlite.client.get(path).status_code == code


def test_a_page_that_waits_refreshes_itself_without_a_script(viewing_sqlite: Viewing) -> None:
    """Without JavaScript a making page reloads; a waiting one has a button and stays."""
    making = viewing_sqlite.client.get(viewing_sqlite.reel(VideoStatus.QUEUED).path).text
    waiting = viewing_sqlite.reel(VideoStatus.MINTED)
    page = viewing_sqlite.client.get(waiting.path).text
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in making
    assert 'http-equiv="refresh"' not in page
    assert f'method="post" action="{waiting.path}/open"' in page


def test_opening_has_a_waiting_video_made_at_once(viewing: Viewing) -> None:
    """The first POST makes the video due before all others and rings; later ones change nothing."""
    reel = viewing.reel(VideoStatus.MINTED)
    answer = viewing.client.post(f"{reel.path}/open")
    assert (answer.status_code, answer.headers["Location"]) == (303, reel.path)
    assert viewing.video(reel).status == VideoStatus.QUEUED
    assert viewing.video(reel).queue == "render-now"
    assert viewing.bells.rung == [("render_video", [reel.id], "render-now")]
    before = viewing.contents()
    assert viewing.client.post(f"{reel.path}/open").status_code == 303
    assert viewing.contents() == before


def test_a_hundred_impatient_viewers_open_one_video_once(viewing: Viewing) -> None:
    """However many press play together, the render is asked for once."""
    reel = viewing.reel(VideoStatus.MINTED)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: viewing.client.post(f"{reel.path}/open"), range(24)))
    assert len(viewing.bells.rung) == 1


@pytest.mark.parametrize(
    "status", [READY, VideoStatus.FAILED, VideoStatus.EXPIRED, VideoStatus.ERASED]
)
def test_nothing_else_can_be_opened(viewing_sqlite: Viewing, status: VideoStatus) -> None:
    """A POST to open renders only what waits for it."""
    reel = viewing_sqlite.reel(status)
    before = viewing_sqlite.contents()
    viewing_sqlite.client.post(f"{reel.path}/open")
    assert viewing_sqlite.contents() == before
    assert viewing_sqlite.bells.rung == []


def test_the_status_tells_the_script_just_enough(viewing_sqlite: Viewing) -> None:
    """Ready, or still coming, or neither: no status word."""
    for status, expected in (
        (READY, {"ready": True, "coming": False}),
        (VideoStatus.RENDERING, {"ready": False, "coming": True}),
        (VideoStatus.FAILED, {"ready": False, "coming": False}),
    ):
        reel = viewing_sqlite.reel(status)
        answer = viewing_sqlite.client.get(f"{reel.path}/status")
        assert answer.get_json() == expected
        assert "no-store" in answer.headers["Cache-Control"]


def test_all_unknown_links_look_alike(viewing_sqlite: Viewing) -> None:
    """A guess learns nothing: every wrong token gets the same page, whatever it asks for."""
    ready = viewing_sqlite.reel()
    client = viewing_sqlite.client
    pages = [
        client.get(path)
        for path in (
            "/v/AAAAAAAAAAAAAAAAAAAAAAAA",
            "/v/x",
            f"/v/{ready.token[:-1]}",
            f"/v/{'ä' * 900}",
            "/v/AAAAAAAAAAAAAAAAAAAAAAAA/video.mp4",
            "/v/AAAAAAAAAAAAAAAAAAAAAAAA/status",
            "/v/AAAAAAAAAAAAAAAAAAAAAAAA/opt-out",
            f"{ready.path}/storyboard.json",
        )
    ]
    assert {page.status_code for page in pages} == {404}
    assert len({re.sub(r'nonce="[^"]+"', "", page.text) for page in pages}) == 1
    for verb in ("open", "opt-out", "cta"):
        assert client.post(f"/v/AAAAAAAAAAAAAAAAAAAAAAAA/{verb}").status_code == 404


def test_guessing_is_slowed_down_and_viewers_are_not(viewing_sqlite: Viewing) -> None:
    """After many wrong guesses from one address only the guesses are turned away."""
    client = viewing_sqlite.client
    answers = [client.get(f"/v/guess{number}").status_code for number in range(62)]
    assert answers == [404] * 60 + [429] * 2
    assert client.get(viewing_sqlite.reel().path).status_code == 200


def test_no_page_lets_anything_from_elsewhere_in(viewing_sqlite: Viewing) -> None:
    """Every page is locked down, names no other host and keeps search engines away."""
    for status in STATUSES:
        reel = viewing_sqlite.reel(status)
        for route in ROUTES:
            answer = viewing_sqlite.client.get(reel.path + route)
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self';")
            assert "frame-ancestors 'none'; base-uri 'none'; object-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Robots-Tag"].startswith("noindex, nofollow")
            assert answer.headers["Referrer-Policy"] == "strict-origin"
            assert "private" in answer.headers["Cache-Control"]
            assert "Set-Cookie" not in answer.headers
            if answer.content_type.startswith("text/html"):
                assert not re.search(r"(?:src|href|poster)=\"(?:https?:)?//", answer.text)
                assert '<meta name="robots" content="noindex, nofollow">' in answer.text
                assert not re.search(r"\son\w+=|javascript:|style=\"", answer.text)


def test_previews_of_the_link_do_not_name_the_person(viewing_sqlite: Viewing) -> None:
    """Chat programs show title and Open Graph tags to others: both are general."""
    page = viewing_sqlite.client.get(viewing_sqlite.reel().path).text
    assert "<title>Your personal video</title>" in page
    assert "Ana" not in page.split("</head>")[0]


def test_previews_of_the_link_show_a_picture_of_nobody(viewing_sqlite: Viewing) -> None:
    """The picture is the same for every video, can be fetched, and is never the personal poster."""
    reels = [viewing_sqlite.reel(), viewing_sqlite.reel(VideoStatus.EXPIRED)]
    heads = [viewing_sqlite.client.get(reel.path).text.split("</head>")[0] for reel in reels]
    [address] = {re.findall(r'"og:image" content="([^"]+)"', head)[0] for head in heads}
    assert address == f"{viewing_sqlite.settings.base_url}/static/share.png"
    assert viewing_sqlite.client.get("/static/share.png").content_type == "image/png"
    assert not any("/v/" in head for head in heads)


def test_the_page_tells_what_it_knows(viewing_sqlite: Viewing) -> None:
    """Who it was made for, what is counted and what is not, the browser's wish, and until when."""
    reel = viewing_sqlite.reel(expires_at=1_900_000_000_000)
    footer = viewing_sqlite.client.get(reel.path).text.split("<footer>")[1]
    for part in (
        "What this page knows about you",
        "The name it knows: <bdi>Ana</bdi>",
        "What is counted: visits",
        "Not recorded: your internet address",
        "GPC or Do Not Track",
        "The link works until <bdi>March 17, 2030</bdi>",
        f'href="{reel.path}/opt-out"',
    ):
        assert part in footer


class Text(HTMLParser):
    """Collects what a reader sees in <h1>."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.heading = False, ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Notice the heading's start."""
        self.inside = self.inside or tag == "h1"
        assert tag != "img"

    def handle_endtag(self, tag: str) -> None:
        """Notice its end."""
        self.inside = self.inside and tag != "h1"

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.heading += data if self.inside else ""


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "{{ 7*7 }}", "{0}", "O'Brien & Co"]
)
def test_a_name_from_a_record_is_only_ever_text(viewing_sqlite: Viewing, name: str) -> None:
    """Markup and braces in a record's fields are shown as they are."""
    reel = viewing_sqlite.reel(slots={"first_name": {"value": name, "text": name}})
    seen = Text()
    seen.feed(viewing_sqlite.client.get(reel.path).text)
    assert seen.heading == f"A video for {name}"


def test_a_name_that_was_made_up_is_not_said(viewing_sqlite: Viewing) -> None:
    """Where the first name is a fallback, the page greets without it."""
    reel = viewing_sqlite.reel(VideoStatus.READY_WITH_FALLBACK, fallback_slots=["first_name"])
    assert "<h1>A video for you</h1>" in viewing_sqlite.client.get(reel.path).text


@pytest.mark.parametrize(
    ("locale", "lang", "direction", "heading"),
    [
        ("de_DE", "de", "ltr", "Ein Video für <bdi>Ana</bdi>"),
        ("ar", "ar", "rtl", "فيديو من أجل <bdi>Ana</bdi>"),
        ("he_IL", "he", "rtl", "סרטון בשביל <bdi>Ana</bdi>"),
        ("pt-BR", "pt", "ltr", "Um vídeo para <bdi>Ana</bdi>"),
        ("sw", "en", "ltr", "A video for <bdi>Ana</bdi>"),
    ],
)
def test_the_page_speaks_the_videos_language(
    viewing_sqlite: Viewing, locale: str, lang: str, direction: str, heading: str
) -> None:
    """Language and direction follow the video; what we cannot say is said in English."""
    page = viewing_sqlite.client.get(viewing_sqlite.reel(locale=locale).path).text
    assert f'<html lang="{lang}" dir="{direction}">' in page
    assert f"<h1>{heading}</h1>" in page


LANGUAGES = [
    "en",
    "de",
    "fr",
    "es",
    "pt",
    "it",
    "nl",
    "ar",
    "he",
    "ja",
    "zh",
    "ko",
    "hi",
    "th",
    "vi",
    "el",
    "ru",
    "uk",
    "pl",
    "tr",
]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_says_everything(code: str) -> None:
    """No phrase is missing, and each holds exactly the places that English has."""
    own, english = language_of(code).phrases, language_of("en").phrases
    assert language_of(code).tag == code
    for name, text in english.items():
        assert own[name]
        assert re.findall(r"{\w*}", own[name]) == re.findall(r"{\w*}", text)
        assert code == "en" or own[name] != text or "video" in text.lower()


def test_the_unknown_page_speaks_the_browsers_language(viewing_sqlite: Viewing) -> None:
    """Where there is no video to go by, the browser's wish counts."""
    answer = viewing_sqlite.client.get("/v/nothing", headers={"Accept-Language": "xx, fr;q=0.8"})
    assert '<html lang="fr"' in answer.text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://example.com/",
        "//example.com",
        "",
        "https://",
        "data:text/html,x",
    ],
)
def test_a_call_to_action_leads_only_to_https(viewing_sqlite: Viewing, url: str) -> None:
    """Whatever came into the row, an unsafe address is neither shown nor followed."""
    reel = viewing_sqlite.reel(call_to_action={"label": "Go", "url": url})
    assert 'class="action"' not in viewing_sqlite.client.get(reel.path).text
    assert viewing_sqlite.client.post(f"{reel.path}/cta").status_code == 404


def test_the_call_to_action_goes_where_the_row_says(viewing: Viewing) -> None:
    """Nothing in the request can change where it leads."""
    reel = viewing.reel()
    answer = viewing.client.post(
        f"{reel.path}/cta?url=https://evil.example", data={"url": "https://evil.example"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == "https://example.com/book?for=ana"


def clicks_of(viewing: Viewing) -> list[tuple[str, str]]:
    """Return session and name of each stored click."""
    with viewing.store.read() as tx:
        rows = tx.execute(select(events.c.session_id, events.c.cta)).all()
    return [(row.session_id, row.cta) for row in rows]


def test_a_click_counts_once_per_session(viewing: Viewing) -> None:
    """Twenty presses at once are one click; another session's is another."""
    reel = viewing.reel()
    ticket, one, other = viewing.ticket(reel), new_id(), new_id()
    form = {"s": one, "t": ticket}
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: viewing.client.post(f"{reel.path}/cta", data=form), range(20))
        )
    assert {answer.status_code for answer in answers} == {303}
    assert clicks_of(viewing) == [(one, "main")]
    viewing.client.post(f"{reel.path}/cta", data={"s": other, "t": ticket})
    assert sorted(clicks_of(viewing)) == sorted([(one, "main"), (other, "main")])
    with viewing.store.read() as tx:
        assert tx.execute(select(measures.c.id, measures.c.work)).all() == [(reel.id, "due")]


def test_a_click_without_a_script_counts_once_per_page(viewing_sqlite: Viewing) -> None:
    """The page's ticket stands in for the session that a script would have made."""
    reel = viewing_sqlite.reel()
    form = {"s": "", "t": ticket_on(viewing_sqlite.client.get(reel.path).text)}
    for _ in range(3):
        assert viewing_sqlite.client.post(f"{reel.path}/cta", data=form).status_code == 303
    assert len(clicks_of(viewing_sqlite)) == 1


def test_a_click_of_eight_megabytes_is_refused(viewing_sqlite: Viewing) -> None:
    """The form holds a ticket and an id; anything much larger is not read."""
    reel = viewing_sqlite.reel()
    answer = viewing_sqlite.client.post(f"{reel.path}/cta", data={"s": "x" * 8_000_000})
    assert answer.status_code == 413


@pytest.mark.parametrize("token", ["", "forged.token.x", "other"])
def test_a_click_with_a_wrong_ticket_leads_on_and_counts_nothing(
    viewing_sqlite: Viewing, token: str
) -> None:
    """The viewer gets where they want to go; our numbers do not move."""
    reel, other = viewing_sqlite.reel(), viewing_sqlite.reel()
    ticket = viewing_sqlite.ticket(other) if token == "other" else token
    answer = viewing_sqlite.client.post(f"{reel.path}/cta", data={"s": new_id(), "t": ticket})
    assert answer.status_code == 303
    assert clicks_of(viewing_sqlite) == []


def test_opting_out_asks_first_and_takes_effect_at_once(viewing: Viewing) -> None:
    """GET asks, POST does it, the page then says so; what was not yet rendered is stopped."""
    reel, planned = viewing.reel(), viewing.reel(VideoStatus.QUEUED)
    client = viewing.client
    assert "Yes, stop them" in client.get(f"{reel.path}/opt-out").text
    answer = client.post(f"{reel.path}/opt-out")
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"])
    assert "You will get no more personal videos" in page.text
    with viewing.store.read() as tx:
        held = subjects.standing(tx, "local", Subject("contact", "c1"))
    assert held.opted_out
    assert viewing.video(planned).status == VideoStatus.EXPIRED
    assert viewing.video(reel).status == READY


def test_opting_out_ends_the_measuring_too(viewing_sqlite: Viewing) -> None:
    """The video can still be watched, but its page no longer reports."""
    reel = viewing_sqlite.reel()
    assert ticket_on(viewing_sqlite.client.get(reel.path).text)
    viewing_sqlite.client.post(f"{reel.path}/opt-out")
    assert not ticket_on(viewing_sqlite.client.get(reel.path).text)


def test_who_looks_on_behalf_of_nobody_has_nothing_to_opt_out_of(viewing_sqlite: Viewing) -> None:
    """A video without a contact offers no opt-out, and a POST of one changes nothing."""
    reel = viewing_sqlite.reel(contact_id=None)
    before = viewing_sqlite.contents()
    assert "opt-out" not in viewing_sqlite.client.get(reel.path).text
    assert viewing_sqlite.client.post(f"{reel.path}/opt-out").status_code == 303
    assert viewing_sqlite.contents() == before


def test_a_page_without_tracking_reports_nothing(
    settings: Settings, viewing_sqlite: Viewing
) -> None:
    """With tracking off the player has no ticket, and the page does not claim to count."""
    off = settings.model_copy(update={"tracking": "off"})
    here = viewing_sqlite.app.extensions["cuereel"]
    viewing_sqlite.app.extensions["cuereel"] = type(here)(
        off, here.store, here.keyring, here.doorbell, here.limits
    )
    page = viewing_sqlite.client.get(viewing_sqlite.reel().path).text
    assert not ticket_on(page)
    assert "is counted" not in page


def test_a_colleagues_look_is_marked_as_our_own(viewing: Viewing) -> None:
    """The ticket says so where the browser is signed in to the console, and only there."""
    reel = viewing.reel()
    with viewing.store.write() as tx:
        user = users.add(tx, "ana@example.com", "no password", Role.REP)
        cookie = logins.open_login(tx, user.id, Use.BROWSER)
    ours = viewing.client
    ours.set_cookie("__Host-cuereel", cookie)
    forged = viewing.client
    forged.set_cookie("__Host-cuereel", Use.BROWSER + "nonsense")
    found = [ticket_on(client.get(reel.path).text) for client in (ours, forged, viewing.client)]
    assert [read_ticket(viewing.keyring, each).own for each in found] == [True, False, False]


def test_the_ticket_tells_when_the_page_was_shown(viewing_sqlite: Viewing) -> None:
    """By the database's clock, so that a browser's clock does not matter."""
    reel = viewing_sqlite.reel()
    ticket = read_ticket(
        viewing_sqlite.keyring, ticket_on(viewing_sqlite.client.get(reel.path).text)
    )
    with viewing_sqlite.store.read() as tx:
        assert abs(now(tx) - ticket.at) < 30_000
    assert ticket.v == reel.id


def test_production_insists_on_https(settings: Settings, viewing_sqlite: Viewing) -> None:
    """Where viewers reach us over https, browsers are told to stay with it."""
    secure = settings.model_copy(update={"public_base_url": "https://video.example.com"})
    assert secure.production
    here = viewing_sqlite.app.extensions["cuereel"]
    viewing_sqlite.app.extensions["cuereel"] = type(here)(
        secure, here.store, here.keyring, here.doorbell, here.limits
    )
    answer = viewing_sqlite.client.get(viewing_sqlite.reel().path)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
