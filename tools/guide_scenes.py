"""Hold the small templates that the template guide's pictures are drawn from."""

from collections.abc import Mapping

HEAD = """
title = "Guide"
formats = [{formats}]
fps = 30

[slots.first_name]
longest = 60
fallback = {name}

[slots.seats_used]
kind = "number"
fallback = 41

[slots.seats_total]
kind = "number"
fallback = 50

[slots.months]
kind = "list"
item.label = {{ kind = "text" }}
item.value = {{ kind = "number" }}
fallback = [
  {{ label = "Jun", value = 18 }}, {{ label = "Jul", value = 24 }}, {{ label = "Aug", value = 21 }},
  {{ label = "Sep", value = 33 }}, {{ label = "Oct", value = 46 }},
]

[slots.steps]
kind = "list"
item.title = {{ kind = "text" }}
fallback = [
  {{ title = "Sign in" }}, {{ title = "Invite your team" }}, {{ title = "Book a first session" }},
]

[slots.cart]
kind = "list"
item.title = {{ kind = "text" }}
item.price = {{ kind = "text" }}
item.picture = {{ kind = "image" }}
fallback = [
  {{ title = "Weekend by the lake", price = "€240", picture = "lake.png" }},
  {{ title = "Valley walk", price = "€35", picture = "valley.png" }},
  {{ title = "Breakfast", price = "€18", picture = "" }},
  {{ title = "Late check-out", price = "€25", picture = "" }},
]
"""


def scene(
    layers: str, *, name: str = "Priya", seconds: float = 4, formats: str = '"16:9"', more: str = ""
) -> str:
    """Write a template of one scene around the lines of its layers."""
    head = HEAD.format(formats=formats, name=f'"{name}"')
    return f'{head}\n[[scenes]]\nname = "guide"\nseconds = {seconds}\n{more}\n{layers}'


def filled(toml: str) -> str:
    """Give the guide's example the values that its slots file has."""
    values = {"first_name": '"Ольга"', "seats_used": "41", "seats_total": "50"}
    toml = toml.replace('fallback = "there"\n', "")
    for slot, value in values.items():
        toml = toml.replace(f"[slots.{slot}]\n", f"[slots.{slot}]\nfallback = {value}\n")
    return toml


def layer(kind: str, **words: object) -> str:
    """Write one layer; texts are quoted, everything else is written as it is."""
    lines = [f'[[scenes.layers]]\nkind = "{kind}"']
    lines += [f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}"
              for key, value in words.items()]  # fmt: skip
    return "\n".join(lines) + "\n"


def fitted(source: str, fit: str) -> str:
    """Show a picture in a square box."""
    plate = layer("shape", colour="on-accent")
    return scene(plate + layer("image", source=source, fit=fit), formats='"1:1"')


def entering(word: str) -> str:
    """Bring a card in."""
    card = layer("text", text="Hi {{ first_name }}", weight="bold", largest=72, fill="accent",
                 colour="on-accent", padding=[56, 40], radius=24, align="center", valign="middle",
                 enter=word, lines=1)  # fmt: skip
    return scene(card)


def greeting(text: str) -> str:
    """Show a text of up to three lines on the whole canvas."""
    words = layer("text", text=text, weight="bold", largest=104, lines=3, valign="middle",
                  at=[64, 64, 1152, 592])  # fmt: skip
    return scene(words)


def _titled(title: str, below: str) -> str:
    head = layer("text", text=title, weight="bold", largest=64, lines=1, at=[64, 56, 1152, 88])
    return scene(head + below)


def _named(name: str) -> str:
    text = "Hi {{ first_name }},\\nyour room is ready"
    return greeting(text).replace('"Priya"', f'"{name}"')


NAMES = (
    ("a short name", _named("Bo")),
    ("a longer one", _named("Konstantin-Alexander")),
    ("a very long one", _named("Maximiliane Sophie von Hohenstein-Wittgenstein")),
)

DIRECTIONS = (
    ("Arabic", "ar", "مرحبا فاطمة،\\nغرفتك جاهزة"),
    ("Hebrew", "he", "שלום דנה,\\nהחדר שלך מוכן"),
    ("Arabic with a Latin name", "ar", "مرحبا {{ first_name }}،\\n41 من 50 مقعدًا"),
)

SHAPES: Mapping[str, str] = {
    "rect": scene(layer("shape", colour="accent", radius=48, at=[240, 160, 800, 400])),
    "rect with to": scene(
        layer("shape", colour="panel", to="accent", radius=48, at=[240, 160, 800, 400])
    ),
    "disc": scene(layer("shape", shape="disc", colour="accent", at=[440, 160, 400, 400])),
    "ring": scene(
        layer("shape", shape="ring", colour="accent", stroke=40, at=[440, 160, 400, 400])
    ),
    "tick": scene(
        layer("shape", shape="tick", colour="accent", stroke=48, at=[440, 200, 400, 320])
    ),
    "rule": scene(
        layer("text", text="Above", weight="bold", largest=96, at=[240, 168, 800, 128])
        + layer("shape", shape="rule", colour="accent", stroke=10, at=[240, 352, 800, 16])
        + layer("text", text="and below", largest=96, colour="muted", at=[240, 400, 800, 128])
    ),
}

_PLOT = [64, 176, 1152, 480]
CHARTS: Mapping[str, str] = {
    "bars": _titled(
        "Visits a month", layer("chart", chart="bars", rows="months", size=40, at=_PLOT)
    ),
    "line": _titled(
        "Visits a month", layer("chart", chart="line", rows="months", size=40, at=_PLOT)
    ),
    "progress": scene(
        layer("text", text="{{ seats_used }} of {{ seats_total }} seats", weight="bold",
              largest=96, lines=1, at=[64, 216, 1152, 120])
        + layer("chart", chart="progress", value="seats_used", of="seats_total",
                at=[64, 376, 1152, 64])
    ),
    "ring": scene(
        layer("chart", chart="ring", value="seats_used", of="seats_total", at=[64, 120, 480, 480])
        + layer("text", text="{{ seats_used }}", weight="bold", largest=144, align="center",
                valign="middle", lines=1, at=[144, 240, 320, 240])
        + layer("text", text="of {{ seats_total }}\\nseats", weight="bold", largest=96,
                valign="middle", at=[640, 160, 576, 400])
    ),
}  # fmt: skip

_ROWS = [64, 176, 1152, 480]
LISTS: Mapping[str, str] = {
    'marker = "none"': _titled("What comes next", layer("list", rows="steps", size=48, at=_ROWS)),
    'marker = "number"': _titled(
        "What comes next", layer("list", rows="steps", marker="number", size=48, at=_ROWS)
    ),
    'marker = "tick"': _titled(
        "Done already", layer("list", rows="steps", marker="tick", size=48, at=_ROWS)
    ),
    "picture, price and more": _titled(
        "Your cart",
        layer("list", rows="cart", picture="picture", price="price", more="+{{ count }} more",
              size=48, at=_ROWS),
    ),
}  # fmt: skip

TWO = scene(
    layer("text", text="Hi {{ first_name }},", weight="bold", largest=144, lines=1,
          at=[96, 96, 1088, 528])
) + (
    '\n[[scenes]]\nname = "plan"\nseconds = 4\nbackground = "accent"\n'
    + layer("text", text="your plan\\nis ready", weight="bold", largest=144, colour="on-accent",
            valign="bottom", at=[96, 96, 1088, 528])
)  # fmt: skip

_SPLIT = {
    "picture": "{ wide = [640, 0, 640, 720], square = [0, 0, 720, 320], tall = [0, 0, 720, 560] }",
    "words": "{ wide = [64, 120, 512, 312], square = [64, 344, 592, 184], tall = [64, 632, 592, 304] }",
    "button": "{ wide = [64, 464, 512, 152], square = [64, 568, 592, 120], tall = [64, 984, 592, 152] }",
}
FORMATS = scene(
    f'[[scenes.layers]]\nkind = "image"\nsource = "lake.png"\nat = {_SPLIT["picture"]}\n'
    + layer("text", text="Hi {{ first_name }},\\nyour room is ready", weight="bold", largest=80,
            lines=3, valign="bottom")
    + f'at = {_SPLIT["words"]}\n'
    + layer("text", text="See the room", weight="bold", largest=44, colour="on-accent",
            fill="accent", padding=[40, 24], radius=16, lines=1)
    + f'at = {_SPLIT["button"]}\n',
    formats='"16:9", "9:16", "1:1"',
)  # fmt: skip


def _part(name: str, title: str, layers: str, background: str = "bg") -> str:
    return (
        f'\n[[scenes]]\nname = "{name}"\ntitle = "{title}"\nseconds = 4\n'
        f'background = "{background}"\n{layers}'
    )


def _headline(text: str, *, colour: str = "ink") -> str:
    return layer("text", text=text, weight="bold", largest=112, colour=colour, valign="middle",
                 lines=3, at=[64, 64, 576, 592])  # fmt: skip


_PLAN = layer("shape", shape="tick", colour="on-accent", stroke=40, at=[800, 240, 320, 240])
_BUTTON = layer("text", text="Book a session", weight="bold", largest=64, lines=1,
                colour="on-accent", fill="accent", padding=[56, 36], radius=24, valign="middle",
                at=[640, 64, 576, 592])  # fmt: skip
COSTS = HEAD.format(formats='"16:9"', name='"Priya"') + "".join([
    _part("hello", "for each person",
          layer("image", source="lake.png", at=[640, 0, 640, 720])
          + _headline("Hi {{ first_name }},")),
    _part("plan", "once for each plan",
          _PLAN + _headline("Your plan\\nis ready", colour="on-accent"), "accent"),
    _part("steps", "once",
          layer("list", rows="steps", marker="number", size=64, at=[64, 64, 1152, 592])),
    _part("start", "for each person", _headline("Ready, {{ first_name }}?") + _BUTTON),
])  # fmt: skip
