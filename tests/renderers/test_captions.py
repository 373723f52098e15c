"""Captions say what is said, when it is said, in lines that can be read."""

import re
from collections.abc import Callable
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from renderers.captions import LINE, LINES, captions_vtt, chapters_vtt, cues, split, transcript
from renderers.storyboard import SlotValue, Storyboard, assemble
from tests.renderers.samples import HELLO, WriteTemplate

CUE = re.compile(r"(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n((?:.+\n?)+)")
WORDS = st.lists(
    st.text(st.sampled_from("abcdefgé,.;!—"), min_size=1, max_size=60), min_size=1, max_size=40
)


@given(WORDS)
@settings(max_examples=80)
def test_blocks_hold_all_words_in_two_readable_lines(words: list[str]) -> None:
    """Nothing is lost, nothing is said twice, no line is too long."""
    text = " ".join(words)
    blocks = split(text)
    assert "".join("".join(blocks).split()) == "".join(text.split())


@given(WORDS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cues_stay_inside_their_scene_and_in_order(
    write_template: WriteTemplate, words: list[str]
) -> None:
    """Each cue begins when the one before ends, and none outlives its scene."""
    toml = HELLO.replace("Hi {{ first_name }}.", "{{ first_name }}").replace("= 40", "= 2000")
    toml = toml.replace('text = "Hi {{ first_name }}"', 'text = "Hi"')
    board = assemble(write_template(toml), {"first_name": SlotValue(" ".join(words)[:1900])})
    timed = cues(board)
    assert all(cue.start < cue.end <= board.duration for cue in timed)
    assert all(one.end <= other.start + 1e-9 for one, other in pairwise(timed))
    lines = [cue.text.split("\n") for cue in timed]
    assert all(len(block) <= LINES and max(map(len, block)) <= LINE for block in lines)


def test_sentences_are_cut_at_natural_points() -> None:
    """A full stop is better than a comma, a comma better than a word."""
    text = "Your plan is ready. It has everything that you asked for in the call, and a good bit more than that, too."
    assert split(text) == [
        "Your plan is ready.",
        "It has everything that you asked for in the call,",
        "and a good bit more than that, too.",
    ]


def test_the_file_is_valid_webvtt(hello_board: Callable[..., Storyboard]) -> None:
    """Header, cues with times, and markup characters escaped."""
    text = captions_vtt(hello_board("<b>A & B</b> --> x"))
    assert text.startswith("WEBVTT\n\n")
    found = CUE.findall(text)
    assert found == [
        ("00:00:00.000", "00:00:00.800", "Hi &lt;b&gt;A &amp; B&lt;/b&gt; --&gt; x.\n")
    ]


def test_chapters_are_the_scenes(hello_board: Callable[..., Storyboard]) -> None:
    """A player lists the scenes by their titles."""
    assert "00:00:00.000 --> 00:00:01.000\nHello\n" in chapters_vtt(hello_board())


def test_the_transcript_reads_like_text(hello_board: Callable[..., Storyboard]) -> None:
    """No invisible marks around names."""
    assert transcript(hello_board("فاطمة")) == "Hi فاطمة."
