"""Random small templates: every kind of layer that is drawn, anywhere, at any time, in any order."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import load_template
from tests.renderers.samples import picture_bytes

_HEAD = """
title = "Any"
formats = ["16:9", "1:1"]
fps = {fps}

[slots]
name = {{ kind = "text", fallback = "Zoë" }}
tint = {{ kind = "color", fallback = "#204060" }}
photo = {{ kind = "image" }}
part = {{ kind = "number", fallback = 3 }}
whole = {{ kind = "number", fallback = 5, cardinality = "static" }}

[slots.rows]
kind = "list"
cardinality = "static"
item.title = {{ kind = "text", required = true }}
item.value = {{ kind = "number" }}
fallback = [ {{ title = "One", value = 2 }}, {{ title = "Two", value = 5 }} ]

[slots.own]
kind = "list"
item.title = {{ kind = "text", required = true }}
item.value = {{ kind = "number" }}
"""
_OWN = [
    {"title": SlotValue(title), "value": SlotValue(value)}
    for title, value in (("Ελένη", 4), ("田中", 1), ("Ana", 3))
]
SLOTS = {
    "name": SlotValue("Ольга"),
    "tint": SlotValue("#8a2be2"),
    "photo": SlotValue("stripes.png"),
    "part": SlotValue(4),
    "own": SlotValue(_OWN),
}
_COLOURS = st.sampled_from(["ink", "muted", "accent", "on-accent", "panel", "tint"])
_WAYS = st.sampled_from(["none", "fade", "rise", "slide", "grow"])
_FIT = st.sampled_from(["cover", "contain", "contain-blur", "fill", "none"])

Layer = dict[str, Any]


def _places(width: int, height: int) -> st.SearchStrategy[list[int]]:
    """Place a box of at least a size where every format has room for it."""
    return st.tuples(
        st.integers(0, 720 - width), st.integers(0, 720 - height), st.integers(width, 720)
    ).map(lambda place: [place[0], place[1], min(place[2], 720 - place[0]), height])


@st.composite
def _layers(draw: st.DrawFn, share: float) -> Layer:
    own: Layer = draw(st.one_of(_texts(), _shapes(), _images(), _charts(), _lists()))
    return own | {
        "enter": draw(_WAYS),
        "enter_ms": draw(st.integers(100, round(share * 400))),
        "exit": draw(_WAYS),
        "exit_ms": draw(st.integers(80, round(share * 250))),
        "start": draw(st.sampled_from([0, 0.1, 0.2])) * share,
        "stop": draw(st.sampled_from([0, 0, 0.05, 0.15])) * share,
        "opacity": draw(st.sampled_from([1, 1, 1, 1, 0.6])),
    }


def _texts() -> st.SearchStrategy[Layer]:
    return st.fixed_dictionaries(
        {
            "kind": st.just("text"),
            "text": st.sampled_from(
                ["Hi {{ name }},", "Hello, all of you", "{{ name }} 👋🏽 مرحبا"]
            ),
            "at": _places(360, 160),
            "lines": st.just(3),
            "largest": st.integers(40, 160),
            "weight": st.sampled_from(["regular", "bold"]),
            "colour": _COLOURS,
            "align": st.sampled_from(["start", "center", "end"]),
            "valign": st.sampled_from(["top", "middle", "bottom"]),
            "tracking": st.sampled_from([0, -0.03]),
        },
        optional={"fill": _COLOURS, "padding": st.just([8, 8])},
    )


def _shapes() -> st.SearchStrategy[Layer]:
    return st.fixed_dictionaries(
        {
            "kind": st.just("shape"),
            "shape": st.sampled_from(["rect", "disc", "ring", "tick", "rule"]),
            "colour": _COLOURS,
            "radius": st.integers(0, 80),
            "stroke": st.integers(1, 60),
            "at": _places(16, 16) | _places(240, 300),
        },
        optional={"to": _COLOURS},
    )


def _images() -> st.SearchStrategy[Layer]:
    return st.fixed_dictionaries({
        "kind": st.just("image"),
        "source": st.sampled_from(["plain.png", "stripes.png", "{{ photo }}"]),
        "fit": _FIT,
        "radius": st.sampled_from([0, 24]),
        "at": _places(64, 64) | st.just("full"),
    })  # fmt: skip


def _charts() -> st.SearchStrategy[Layer]:
    rows = st.fixed_dictionaries({
        "kind": st.just("chart"),
        "chart": st.sampled_from(["bars", "line"]),
        "rows": st.sampled_from(["rows", "own"]),
        "label": st.just("title"),
        "at": _places(400, 280),
        "grow_ms": st.integers(200, 800),
    })  # fmt: skip
    share = st.fixed_dictionaries({
        "kind": st.just("chart"),
        "chart": st.sampled_from(["progress", "ring"]),
        "value": st.just("part"),
        "of": st.just("whole"),
        "at": _places(300, 200),
        "grow_ms": st.integers(200, 800),
    })  # fmt: skip
    return rows | share


def _lists() -> st.SearchStrategy[Layer]:
    return st.fixed_dictionaries({
        "kind": st.just("list"),
        "rows": st.sampled_from(["rows", "own"]),
        "marker": st.sampled_from(["none", "number", "tick"]),
        "cut": st.just(True),
        "stagger_ms": st.integers(0, 200),
        "at": _places(480, 400),
    })  # fmt: skip


@st.composite
def _scenes(draw: st.DrawFn, number: int) -> str:
    words: Layer = {
        "name": f"scene_{number}",
        "seconds": draw(st.sampled_from([0.5, 0.7, 1.0])),
        "background": draw(st.sampled_from(["bg", "accent", "tint"])),
    }
    change = draw(st.none() | st.sampled_from(["fade", "slide", "wipe"]))
    if change:
        words["transition"] = {"kind": change, "ms": draw(st.sampled_from([200, 240]))}
    layers = draw(st.lists(_layers(words["seconds"]), min_size=1, max_size=4))
    tables = [f"[[scenes]]\n{_toml(words)}"]
    tables += [f"[[scenes.layers]]\n{_toml(layer)}" for layer in layers]
    return "\n".join(tables)


def _toml(table: Layer) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Write the words of a template of one to three short scenes."""
    head = _HEAD.format(fps=draw(st.sampled_from([10, 30])))
    count = draw(st.integers(1, 3))
    return "\n".join([head, *(draw(_scenes(number)) for number in range(count))])


def assembled(words: str, folder: Path, format: str = "16:9") -> Storyboard:
    """Write a random template into a folder and fill it at 320×180."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "template.toml").write_text(words, encoding="utf-8")
    (folder / "plain.png").write_bytes(picture_bytes(40, 30, "#cc2200"))
    (folder / "stripes.png").write_bytes(picture_bytes(90, 160, "#1a9fd8"))
    return assemble(load_template(folder), SLOTS, format=format, height=180)
