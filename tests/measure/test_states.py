"""Which beacons are believed, and how far."""

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.measure.engagement import engagement, read_state
from connector.measure.states import SLACK_SECONDS, Beat, Refusal, SessionState

SESSION = "01JD9Y3Z5W8Q2R4T6V8X0Z1A2B"
DURATION = 30.0


def beacon(**changed: Any) -> dict[str, Any]:
    """Write a beacon as a player sends it."""
    return {
        "v": 1,
        "t": "token",
        "s": SESSION,
        "q": 7,
        "at": 1763746000123,
        "d": DURATION,
        "r": [[0, 12.3, 1], [20.1, 24.4, 1]],
        "p": 24.4,
        "f": {"g": 1, "m": 0, "vis": 1},
        "e": [{"i": "01JD9Y3Z5W8Q2R4T6V8X0Z1A2C", "n": "cta_click", "c": "book", "pos": 24.1}],
        **changed,
    }


def read(wall: float = 60.0, **changed: Any) -> SessionState | Refusal:
    """Read a beacon of a session that was first seen *wall* seconds ago."""
    return read_state(beacon(**changed), duration=DURATION, wall_seconds=wall)


def believed(wall: float = 60.0, **changed: Any) -> SessionState:
    """Read a beacon that must be believed."""
    state = read(wall, **changed)
    assert isinstance(state, SessionState)
    return state


def test_an_ordinary_beacon_is_believed() -> None:
    """Everything in it arrives typed."""
    state = believed()
    assert (state.id, state.sequence) == (SESSION, 7)
    assert state.segments == ((0.0, 12.3, 1.0), (20.1, 24.4, 1.0))
    assert state.last == 24.4
    assert state.flags["gesture"]
    assert not state.flags["muted"]
    assert state.events == (Beat("01JD9Y3Z5W8Q2R4T6V8X0Z1A2C", "cta_click", "book", 24.1),)
    assert not state.clipped


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"v": 2}, "unknown_version"),
        ({"s": ""}, "session_invalid"),
        ({"s": "x" * 41}, "session_invalid"),
        ({"s": 7}, "session_invalid"),
        ({"q": -1}, "sequence_invalid"),
        ({"q": True}, "sequence_invalid"),
        ({"q": 1.5}, "sequence_invalid"),
        ({"q": 10**9}, "sequence_invalid"),
        ({"r": "all"}, "segments_invalid"),
        ({"r": [[0]]}, "segments_invalid"),
        ({"r": [[0, 1, 1, 1]]}, "segments_invalid"),
        ({"r": [{"start": 0}]}, "segments_invalid"),
        ({"r": [[0, 1, 1]] * 201}, "too_many_segments"),
        ({"r": [[0, math.nan, 1]]}, "not_a_number"),
        ({"r": [[0, math.inf, 1]]}, "not_a_number"),
        ({"r": [[0, "9", 1]]}, "not_a_number"),
        ({"r": [[0, True, 1]]}, "not_a_number"),
        ({"r": [[0, 10**400, 1]]}, "not_a_number"),
        ({"r": [[-3, 4, 1]]}, "impossible_times"),
        ({"r": [[9, 4, 1]]}, "impossible_times"),
        ({"r": [[0, 4, 0]]}, "impossible_rate"),
        ({"r": [[0, 4, -1]]}, "impossible_rate"),
        ({"r": [[0, 4, 900]]}, "impossible_rate"),
    ],
)
def test_what_no_player_reports_is_refused(changed: dict[str, Any], reason: str) -> None:
    """Each refusal has a reason that can be counted."""
    assert read(**changed) == Refusal(reason)


@pytest.mark.parametrize("payload", [None, [], "x", 7])
def test_what_is_no_beacon_at_all_is_refused(payload: Any) -> None:
    """Anybody can send anything."""
    assert read_state(payload, duration=DURATION, wall_seconds=1) == Refusal("unknown_version")


def test_slips_of_the_player_are_clipped() -> None:
    """A little before the start or past the end is cut off, and noted."""
    state = believed(r=[[-0.2, 3, 1], [28, 31, 1], [40, 50, 1]], p=31)
    assert state.segments == ((0.0, 3.0, 1.0), (28.0, 30.0, 1.0))
    assert state.last == 30.0
    assert state.clipped


def test_nobody_watches_faster_than_time_passes() -> None:
    """600 s in 2 s are believed for 2 s and the slack, earliest first."""
    state = believed(wall=2.0, r=[[0, 30, 1]] * 20)
    total = sum(end - start for start, end, _ in state.segments)
    assert total == pytest.approx(2.0 + SLACK_SECONDS)
    assert state.clipped


def test_double_speed_takes_half_the_time() -> None:
    """The reported rate counts, within what players offer."""
    assert not believed(wall=0.0, r=[[0, 30, 2]]).clipped
    assert believed(wall=0.0, r=[[0, 30, 1]]).clipped


def test_slow_playback_uses_up_more_time() -> None:
    """Five seconds at half speed take ten, so that five of the fifteen are left."""
    state = believed(wall=0.0, r=[[0, 5, 0.5], [5, 20, 1]])
    assert state.segments == ((0.0, 5.0, 0.5), (5.0, 10.0, 1.0))


@pytest.mark.parametrize(
    "event",
    [
        {"i": "01JD9Y3Z5W8Q2R4T6V8X0Z1A2C", "n": "bought"},
        {"i": "x", "n": "play"},
        {"n": "play"},
        {"i": "01JD9Y3Z5W8Q2R4T6V8X0Z1A2C", "n": "cta_click", "c": "<script>"},
        "play",
        None,
    ],
)
def test_unknown_happenings_are_left_out(event: Any) -> None:
    """The rest of the beacon still counts."""
    assert believed(e=[event]).events == ()


def test_a_beacon_without_extras_is_believed() -> None:
    """Flags, events and last position may be absent."""
    bare = {"v": 1, "s": SESSION, "q": 1, "r": []}
    state = read_state(bare, duration=DURATION, wall_seconds=0)
    assert isinstance(state, SessionState)
    assert (state.segments, state.last, state.events) == ((), 0.0, ())
    assert not any(state.flags.values())


numbers = st.floats() | st.integers() | st.booleans() | st.none() | st.text(max_size=3)
payloads = st.fixed_dictionaries(
    {
        "v": st.sampled_from([1, 1, 1, 2, None]),
        "s": st.just(SESSION) | st.text(max_size=5),
        "q": st.integers(-2, 99) | st.none(),
        "r": st.lists(st.lists(numbers, max_size=4), max_size=5) | numbers,
    },
    optional={"p": numbers, "f": numbers, "e": st.lists(numbers, max_size=2) | numbers},
)


@settings(max_examples=150, deadline=None)
@given(payloads, st.floats(-10, 100))
def test_no_beacon_breaks_the_reader(payload: dict[str, Any], wall: float) -> None:
    """Whatever is sent is believed within bounds, or refused with a reason."""
    state = read_state(payload, duration=DURATION, wall_seconds=wall)
    if isinstance(state, SessionState):
        assert all(0 <= start < end <= DURATION for start, end, _ in state.segments)
        wall_used = sum((end - start) / rate for start, end, rate in state.segments)
        assert wall_used <= max(wall, 0) + SLACK_SECONDS + 1e-6
        assert 0 <= state.last <= DURATION
    else:
        assert state.reason


steps = st.lists(
    st.tuples(st.floats(0, 29), st.floats(0.1, 8)).map(lambda t: [t[0], min(t[0] + t[1], 30), 1]),
    min_size=1,
    max_size=8,
)


@settings(max_examples=80, deadline=None)
@given(steps, st.randoms(use_true_random=False), st.integers(0, 7))
def test_any_order_loss_and_repetition_end_in_the_same_totals(
    played: list[list[float]], chance: random.Random, lost: int
) -> None:
    """Beacons carry the whole state, so only the newest that arrived matters."""
    sent = [beacon(q=n + 1, r=played[: n + 1]) for n in range(len(played))]
    arrived = [one for one in sent[:-1] if one["q"] % 8 != lost] * 2 + [sent[-1]]
    chance.shuffle(arrived)
    kept: SessionState | None = None
    for payload in arrived:
        state = read_state(payload, duration=DURATION, wall_seconds=1_000)
        assert isinstance(state, SessionState)
        kept = state if kept is None or state.sequence > kept.sequence else kept
    assert kept is not None
    assert engagement(kept.segments, DURATION) == engagement(played, DURATION)
