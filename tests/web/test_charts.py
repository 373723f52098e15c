"""Charts: well-formed, read aloud, safe with any name, and right in what they draw."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, fromstring

from connector.measure.curves import Finding, Placed
from connector.web.charts import curve_chart, heat_strip

SVG = "{http://www.w3.org/2000/svg}"
NASTY = '<script>alert("x")</script>&'


def parsed(markup: str) -> Element:
    """Read a chart as strictly as a browser reads SVG files."""
    return fromstring(str(markup).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def drawn(**changed: Any) -> Element:
    """Draw a curve of ten views of which half stay to the end."""
    half = [10] * 50 + [5] * 50
    given = {"plays": 10, "reach": half, "hits": half, "rewatched": [0] * 100, **changed}
    return parsed(curve_chart("c", **given))


def classes(chart: Element, name: str) -> list[Element]:
    """Return the elements of a class."""
    return [one for one in chart.iter() if name in one.get("class", "").split()]


def texts(chart: Element, name: str) -> list[str | None]:
    """Return the words of a class."""
    return [one.text for one in classes(chart, name)]


def test_a_chart_is_a_picture_with_a_title_and_a_description() -> None:
    """Whoever cannot see it is told what it shows, in numbers."""
    for chart in (drawn(), parsed(heat_strip("s", "One view", [1] * 60 + [2] * 10 + [0] * 30))):
        title, words = chart.find(f"{SVG}title"), chart.find(f"{SVG}desc")
        assert title is not None
        assert words is not None
        assert chart.get("role") == "img"
        assert chart.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
    assert words.text == "70 of 100 parts were watched, 10 of them more than once."


def test_the_curve_says_its_reach_in_words() -> None:
    """At the start, in the middle and at the end."""
    words = drawn().find(f"{SVG}desc")
    assert words is not None
    assert words.text is not None
    assert "at the start 100 %, in the middle 100 %, at the end 50 %" in words.text


def test_reach_is_drawn_to_scale() -> None:
    """Full height for all views, half of it for half of them."""
    [area] = classes(drawn(), "reach")
    path = area.get("d") or ""
    assert path.startswith("M0 100V0H1")
    assert "V50H100V100Z" in path


def test_plays_beyond_one_for_each_view_fit_into_the_picture() -> None:
    """The scale grows with them, in halves."""
    chart = drawn(hits=[26] * 100)
    assert texts(chart, "scale")[-6] == "300 %"
    [line] = classes(chart, "plays")
    assert line.get("d", "").startswith("M0.5 13.33L1.5 13.33")


def test_rewatches_are_bars_where_there_are_any() -> None:
    """One bar for each hundredth that was watched again."""
    bars = classes(drawn(rewatched=[0] * 30 + [5] * 2 + [0] * 68), "again")
    assert [(bar.get("x"), bar.get("height")) for bar in bars] == [
        ("30.15", "50.00"),
        ("31.15", "50.00"),
    ]


def test_scenes_stand_where_they_lie() -> None:
    """A name in the middle of its scene, or its number where the name has no room."""
    chart = drawn(scenes=[Placed("Welcome", 0, 0.4), Placed("A long name", 0.4, 0.44)])
    assert [(one.get("x"), one.text) for one in classes(chart, "name")] == [("20.00%", "Welcome")]
    assert texts(chart, "number") == ["1"]
    assert [one.text for one in classes(chart, "scene")] == ["1", "Welcome", "2"]


def test_drops_and_peaks_are_marked_by_shape() -> None:
    """A drop points down, a peak up; neither tells by its colour alone."""
    found = [Finding("drop", 40, 15, ""), Finding("peak", 60, 15, "")]
    marks = classes(drawn(findings=found), "mark")
    assert [mark.get("x") for mark in marks] == ["40.0%", "60.5%"]
    assert len({path.get("d") for mark in marks for path in mark}) == 2


def test_what_was_played_more_often_is_taller() -> None:
    """Once, twice and more often are three heights."""
    strip = parsed(heat_strip("s", "One view", [1] * 20 + [2] * 20 + [9] * 20 + [0] * 40))
    blocks = list(strip.iter(f"{SVG}rect"))
    assert [(one.get("x"), one.get("width"), one.get("height")) for one in blocks] == [
        ("0", "20", "40"),
        ("20", "20", "70"),
        ("40", "20", "100"),
    ]


def test_names_cannot_become_code() -> None:
    """Whatever a scene or a title is called, it stays text."""
    chart = drawn(scenes=[Placed(NASTY, 0, 1)])
    assert texts(chart, "name") == [NASTY]
    strip = parsed(heat_strip("s", NASTY, [1] * 100))
    assert strip.findtext(f"{SVG}title") == NASTY


def test_a_curve_without_views_can_be_drawn() -> None:
    """Nothing divides by nothing."""
    chart = drawn(plays=0, reach=[0] * 100, hits=[0] * 100)
    assert "nothing" in (chart.findtext(f"{SVG}desc") or "")
