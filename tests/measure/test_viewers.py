"""Who is a person: the families of machines that open links, and people who look like them."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.measure.viewers import (
    Opening,
    Signals,
    Verdict,
    judge,
    judge_again,
    link_bursts,
    ua_class,
)

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
PERSON = Signals(gesture=True, watch_ms=20_000, user_agent=CHROME, seconds_after_send=4_000.0)


def signals(**changed: object) -> Signals:
    """Make the signals of an ordinary viewer, except for what is changed."""
    return Signals(**{**PERSON.__dict__, **changed})  # type: ignore[arg-type]


def test_somebody_who_presses_play_and_watches_is_a_person() -> None:
    """With nothing against them."""
    verdict = judge(PERSON)
    assert (verdict.viewer, verdict.score, verdict.reasons) == ("human", 0, ())


def test_who_has_not_watched_yet_is_unknown() -> None:
    """Neither a person nor a machine until something happens."""
    assert judge(signals(gesture=False, watch_ms=0)).viewer == "unknown"
    assert judge(signals(watch_ms=1_500)).viewer == "unknown"
    assert judge(signals(gesture=False)).viewer == "unknown"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"webdriver": True}, "webdriver"),
        ({"honeypot": True}, "honeypot"),
        ({"prefetch": True}, "prefetch"),
        ({"user_agent": ""}, "no_user_agent"),
        ({"user_agent": f"{CHROME} HeadlessChrome/131"}, "ua_list"),
    ],
)
def test_what_software_says_of_itself_is_not_outweighed(
    changed: dict[str, object], reason: str
) -> None:
    """Some scanners run a real browser and play: playback does not make them people."""
    verdict = judge(signals(watch_ms=60_000, **changed))
    assert verdict.viewer == "bot"
    assert reason in verdict.reasons


def test_a_scanner_in_a_real_browser_is_caught_by_its_haste() -> None:
    """It opens every link seconds after the mail was sent, and touches nothing."""
    verdict = judge(
        signals(gesture=False, watch_ms=0, seconds_after_send=1.2, link_burst=True, input=False)
    )
    assert verdict.viewer == "bot"
    assert verdict.reasons == ("seconds_after_send", "link_burst", "no_input")
    assert verdict.score == 6


def test_a_quick_person_who_really_watches_stays_a_person() -> None:
    """Opening a mail at once is suspicious only until ten seconds were really played."""
    quick = {"seconds_after_send": 5.0, "input": False, "visible": False}
    assert judge(signals(watch_ms=3_000, **quick)).viewer == "bot"
    assert judge(signals(watch_ms=10_000, **quick)).viewer == "human"
    assert judge(signals(watch_ms=10_000, gesture=False, **quick)).viewer == "bot"


def test_colleagues_and_previews_are_counted_apart() -> None:
    """A rep who checks a link is no viewer, nor is the chat that shows a card for it."""
    assert judge(signals(internal=True)).viewer == "self"
    assert judge(signals(user_agent="Slackbot-LinkExpanding 1.0")).viewer == "preview"


NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def opened(video: str, seconds: float, agent: str = "browser") -> Opening:
    """Make the opening of a video's link, some seconds after noon."""
    return Opening(f"{video}@{seconds}", video, agent, NOON + timedelta(seconds=seconds))


def test_three_links_at_once_are_a_burst() -> None:
    """All of them are marked, and what came later is not."""
    openings = [opened("c", 2.0), opened("a", 0.0), opened("b", 1.0), opened("a", 600.0)]
    assert link_bursts(openings) == {"a@0.0", "b@1.0", "c@2.0"}


@pytest.mark.parametrize(
    "openings",
    [
        [opened("a", 0), opened("a", 1), opened("a", 2)],
        [opened("a", 0), opened("b", 1)],
        [opened("a", 0), opened("b", 1), opened("c", 2.1)],
        [opened("a", 0), opened("b", 1), opened("c", 2, "bot")],
        [],
    ],
)
def test_reloads_and_slow_readers_are_no_burst(openings: list[Opening]) -> None:
    """It takes three different links, in two seconds, by one class of agent."""
    assert link_bursts(openings) == frozenset()


def test_a_burst_weighs_until_somebody_really_watches() -> None:
    """Ten seconds of real playback outweigh it, and the reason stays named."""
    person = Verdict("human", 0, ())
    caught = judge_again(person, "link_burst", viewed=True, watch_ms=3_000)
    assert caught == Verdict("bot", 3, ("link_burst",))
    assert judge_again(person, "link_burst", viewed=True, watch_ms=10_000).viewer == "human"
    assert judge_again(person, viewed=True, watch_ms=3_000) == person


@pytest.mark.parametrize("viewer", ["self", "preview"])
def test_who_is_counted_apart_stays_apart(viewer: str) -> None:
    """A colleague who opens all links is a colleague."""
    apart = Verdict(viewer, 0, ())  # type: ignore[arg-type]
    assert judge_again(apart, "link_burst", viewed=False, watch_ms=0).viewer == viewer


def test_judging_again_by_the_same_reasons_changes_nothing() -> None:
    """What is stored is enough to come to the same verdict."""
    for changed in ({"webdriver": True}, {"input": False, "seconds_after_send": 3.0}, {}):
        verdict = judge(signals(**changed))
        assert judge_again(verdict, viewed=True, watch_ms=20_000) == verdict


def test_a_verdict_can_be_reversed() -> None:
    """The same signals give the same verdict; when one was wrong, the verdict follows."""
    caught = signals(prefetch=True)
    assert judge(caught) == judge(caught)
    assert judge(caught).viewer == "bot"
    assert judge(signals(prefetch=False)).viewer == "human"


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (CHROME, "browser"),
        (IPHONE, "browser"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "browser"),
        ("Mozilla/5.0 (Linux; Android 14; CUBOT P80) AppleWebKit/537.36 Chrome/131", "browser"),
        ("", "none"),
        ("   ", "none"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "preview"),
        ("facebookexternalhit/1.1", "preview"),
        ("LinkedInBot/1.0 (compatible; Mozilla/5.0)", "preview"),
        ("WhatsApp/2.23.20.0", "preview"),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
         "preview"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bot"),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0)", "bot"),
        ("BarracudaCentral/1.0", "bot"),
        ("python-requests/2.32", "bot"),
        ("curl/8.5.0", "bot"),
        ("Go-http-client/2.0", "bot"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/131.0", "bot"),
        ("Mozilla/4.0 (compatible; ms-office; MSOffice 16)", "browser"),
        ("Microsoft Office Existence Discovery", "bot"),
        ("x" * 100_000, "browser"),
    ],
)  # fmt: skip
def test_user_agents_are_classed_by_what_they_say(agent: str, expected: str) -> None:
    """Honest machines name themselves; phones with odd names are phones."""
    assert ua_class(agent) == expected
