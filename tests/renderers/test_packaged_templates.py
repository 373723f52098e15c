"""The three packaged templates hold for every record that their slots allow."""

import itertools
import re
from collections.abc import Iterator

import pytest

from renderers.brand import contrast, load_brand
from renderers.captions import captions_vtt, transcript
from renderers.compose import Composer
from renderers.parts import ListPart, TextPart
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import find_template, list_templates

Slots = dict[str, SlotValue]
NAMES = [
    "Ada",
    "Wolfeschlegelsteinhausenbergerdorff-Anna",
    "W" * 40,
    "مرحبا فاطمة",
    "田中さん",
    "👋🏽 Sam",
]
LONG_COMPANY = "Internationale Gesellschaft für Robotik, Automation & Co. KG"
FORMATS = ["16:9", "9:16", "1:1"]


def items(count: int, title: str = "Merino travel blanket") -> SlotValue:
    """Make a cart's rows."""
    picture = SlotValue("bag.png")
    row = {"title": SlotValue(title), "price": SlotValue(89, "€89.00"), "picture": picture}
    return SlotValue([row] * count)


def usage(*values: float) -> SlotValue:
    """Make a chart's rows."""
    return SlotValue([
        {"label": SlotValue(f"M{index}"), "value": SlotValue(value)}
        for index, value in enumerate(values)
    ])  # fmt: skip


OPTIONAL: dict[str, tuple[Slots, Slots]] = {
    "onboarding": (
        {"first_name": SlotValue("Ada"), "plan": SlotValue("team")},
        {
            "company": SlotValue("Acme"),
            "owner_name": SlotValue("Marta Kowalska"),
            "start_date": SlotValue("2026-12-01"),
        },
    ),
    "abandoned_cart": (
        {"first_name": SlotValue("Ada"), "items": items(2), "total": SlotValue(178, "€178.00")},
        {"discount_percent": SlotValue(15, "15%")},
    ),
    "account_review": (
        {"first_name": SlotValue("Ada"), "period": SlotValue("Q3 2026")},
        {
            "company": SlotValue("Acme"),
            "usage": usage(3, 5, 8),
            "usage_change": SlotValue(-8, "-8%"),
            "savings": SlotValue(12400, "$12,400"),
            "seats_used": SlotValue(41),
            "seats_total": SlotValue(50),
            "owner_name": SlotValue("Marta Kowalska"),
            "renewal_date": SlotValue("2027-01-15"),
        },
    ),
}


def branches(name: str) -> Iterator[Slots]:
    """List the slots with every choice of optional ones."""
    always, optional = OPTIONAL[name]
    for count in range(len(optional) + 1):
        for chosen in itertools.combinations(optional.items(), count):
            yield {**always, **dict(chosen)}


def every_frame_is_drawn(board: Storyboard) -> None:
    """Draw one settled frame of each scene: errors show here."""
    composer = Composer(board)
    for scene in board.scenes:
        composer.frame(scene.start_frame + scene.frames // 2)


def test_there_is_a_story_for_every_packaged_template() -> None:
    """A template that is added is tested here too."""
    assert list_templates([]) == sorted(OPTIONAL)


@pytest.mark.parametrize("name", OPTIONAL)
def test_the_transcript_reads_naturally_in_every_branch(name: str) -> None:
    """Sentences begin large, end with a stop, and hold no gap where a value was missing."""
    template = find_template(name)
    for slots in branches(name):
        text = transcript(assemble(template, slots))
        paragraphs = text.split("\n\n")
        assert all(part[0].isupper() or part[0].isdigit() for part in paragraphs), text
        assert all(part.endswith(".") for part in paragraphs), text
        assert not re.search(r"None|  | [.,:]|\.\.|,,|\(\)|\{|\}", text), text
        assert "Ada" in paragraphs[0]


@pytest.mark.parametrize("name", OPTIONAL)
def test_lengths_and_timing_follow_the_look(name: str) -> None:
    """With everything: 20 to 30 seconds; the name within two, the call held for four."""
    always, optional = OPTIONAL[name]
    board = assemble(find_template(name), {**always, **optional})
    assert 20 <= board.duration <= 30
    assert all(3 <= scene.frames / board.fps <= 7 for scene in board.scenes)
    greeting = next(p for p in board.scenes[0].layers if "first_name" in p.slots)
    assert (greeting.timing.first + greeting.timing.enter_frames) / board.fps <= 2
    last = board.scenes[-1]
    call = next(p for p in last.layers if "cta_label" in p.slots)
    held = call.timing.last - call.timing.first - call.timing.enter_frames
    assert held / board.fps >= 4
    assert captions_vtt(board).count("-->") >= len(board.scenes)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", OPTIONAL)
def test_every_branch_is_drawn(name: str, format: str) -> None:
    """Nothing, everything, and each optional slot alone, in all formats."""
    always, optional = OPTIONAL[name]
    choices = [{}, optional, *({key: value} for key, value in optional.items())]
    for chosen in choices:
        slots = {**always, **chosen}
        every_frame_is_drawn(assemble(find_template(name), slots, format=format, height=90))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", OPTIONAL)
def test_the_longest_values_fit(name: str, format: str) -> None:
    """Whatever a slot's `longest` allows is shown without overflow."""
    always, optional = OPTIONAL[name]
    template = find_template(name)
    for person in NAMES:
        slots = {**always, **optional, "first_name": SlotValue(person)}
        slots["cta_label"] = SlotValue("Book your first private session with us!")
        longer = {
            "owner_name": SlotValue(person),
            "company": SlotValue(LONG_COMPANY),
            "items": items(
                5, "A product with a title of very many words, in a deluxe edition, extra"
            ),
            "total": SlotValue(1, "US$1,234,567,890.00"),
            "savings": SlotValue(1, "US$1,234,567,890.00"),
            "start_date": SlotValue("2026-09-30", "Wednesday, 30 September 2026"),
            "renewal_date": SlotValue("2026-09-30", "Wednesday, 30 September 2026"),
            "usage": usage(*range(100, 1300, 100)),
        }
        slots.update({key: value for key, value in longer.items() if key in template.slots})
        every_frame_is_drawn(assemble(template, slots, format=format, height=90))


def test_a_cart_shows_three_rows_and_counts_the_rest() -> None:
    """One item is one row; five are three rows and two more."""
    for count, rows, more in ((1, 1, ""), (3, 3, ""), (5, 3, "+2 more"), (40, 3, "+37 more")):
        always, _ = OPTIONAL["abandoned_cart"]
        board = assemble(find_template("abandoned_cart"), {**always, "items": items(count)})
        part = next(p for scene in board.scenes for p in scene.layers if isinstance(p, ListPart))
        assert (len(part.rows), part.more) == (rows, more)


@pytest.mark.parametrize(
    ("change", "said"),
    [(23, "Your usage grew by 23%."), (-8, "Your usage went down by 8%."), (0, "Here is how much")],
)
def test_the_review_words_follow_the_change(change: float, said: str) -> None:
    """Up, down and unchanged are worded, never shown as minus eight percent."""
    always, optional = OPTIONAL["account_review"]
    slots = {**always, **optional, "usage_change": SlotValue(change, f"{change}%")}
    board = assemble(find_template("account_review"), slots)
    scene = next(scene for scene in board.scenes if scene.name == "usage")
    assert scene.narration.startswith(said)
    assert len([part for part in scene.layers if part.kind == "chart"]) == 1
    assert "-" not in "".join(part.text for part in scene.layers if isinstance(part, TextPart))


@pytest.mark.parametrize("name", OPTIONAL)
def test_text_stands_out_from_what_is_under_it(name: str) -> None:
    """WCAG AA: 4.5 to 1 for every pair of colours that the templates use."""
    colours = load_brand(find_template(name).folder).colours
    pairs = [("ink", "bg"), ("muted", "bg"), ("ink", "panel"), ("on_accent", "accent")]
    assert [
        p for p in pairs if contrast(getattr(colours, p[0]), getattr(colours, p[1])) < 4.5
    ] == []


def test_contrast_is_that_of_wcag() -> None:
    """Black on white is 21, a colour on itself is 1, the order does not matter."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#ffffff", "#767676") == contrast("#767676", "#ffffff")


def test_assets_are_small() -> None:
    """A clone stays light: no file of a template is above 400 kB."""
    folders = [find_template(name).folder for name in OPTIONAL]
    sizes = {path: path.stat().st_size for folder in folders for path in folder.rglob("*.*")}
    assert {path: size for path, size in sizes.items() if size > 400_000} == {}
