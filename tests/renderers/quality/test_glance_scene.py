"""A glance at a scene finds what a careful person would find, and nothing else."""

import json

import pytest

from renderers.parts import Box
from renderers.quality.findings import (
    Finding,
    findings_from_json,
    findings_to_json,
    verdict,
)
from renderers.quality.glance import glance_scene
from renderers.quality.reasons import SEVERITY
from renderers.quality.seen import LayerSeen
from renderers.storyboard import Storyboard
from tests.renderers.quality.sights import (
    BRAND,
    a_board,
    a_picture,
    a_scene,
    a_text,
    image,
    logo,
    seen,
    shape,
    texts,
)
from tests.renderers.quality.test_glance_file import FILE_CASES


def beside(x: float) -> LayerSeen:
    """Put a second text at a distance from the first, which ends at 200."""
    return texts(a_text(), a_text(ink=Box(x, 80, 60, 24)))


# reason -> what triggers it, and what only nearly does
CASES: dict[str, tuple[LayerSeen, LayerSeen]] = {
    "text_at_limit": (texts(a_text(size=9)), texts(a_text(size=9.5))),
    "text_small": (
        texts(a_text(size=8.9, largest=8.9, smallest=8.9)),
        texts(a_text(size=9, largest=9)),
    ),
    "text_cut": (texts(a_text(cut=True)), texts(a_text(text="and so on…"))),
    "texts_overlap": (beside(190), beside(200)),
    "glyph_missing": (texts(a_text(text="\U00012345")), texts(a_text(text="Hằng 田 👋🏽"))),
    "contrast_low": (texts(a_text(), under="#6a6a6a"), texts(a_text(), under="#8c8c8c")),
    "text_invisible": (texts(a_text(), under="#333333"), texts(a_text(), under="#5a5a5a")),
    "outside_margin": (
        texts(a_text(ink=Box(14, 80, 160, 24))),
        texts(a_text(ink=Box(16, 80, 160, 24))),
    ),
    "outside_safe_area": (
        texts(a_text(ink=Box(4, 80, 160, 24))),
        texts(a_text(ink=Box(12, 80, 160, 24))),
    ),
    "colour_outside_brand": (shape("#123456"), shape(BRAND.colours.accent.upper())),
    "picture_enlarged": (
        image(a_picture(drawn_width=110.0, drawn_height=55.0)),
        image(a_picture(drawn_width=60.0, drawn_height=30.0)),
    ),
    "picture_blurred": (
        image(a_picture(drawn_width=220.0, drawn_height=110.0)),
        image(a_picture(drawn_width=190.0, drawn_height=95.0)),
    ),
    "picture_tiny": (image(a_picture(width=1, height=1)), image(a_picture(width=9, height=9))),
    "logo_distorted": (logo(drawn_height=30.0), logo(drawn_width=50.0, drawn_height=25.0)),
    "logo_cropped": (
        logo(box=Box(100, 60, 80, 50)),
        logo(box=Box(100, 60, 100, 90)),
    ),
    "logo_small": (
        logo(drawn_width=16.0, drawn_height=8.0),
        logo(drawn_width=18.0, drawn_height=9.0),
    ),
}
OTHERS = {"narration_missing", "font_mixed"}


def reasons(layer: LayerSeen, board: Storyboard | None = None) -> list[str]:
    """List the reasons that a glance at one layer gives."""
    return [finding.reason for finding in glance_scene(seen(layer), board or a_board())]


def test_every_reason_has_a_case() -> None:
    """Whatever can be found is found here once."""
    assert {*CASES, *OTHERS, *FILE_CASES} == set(SEVERITY)


@pytest.mark.parametrize("reason", CASES)
def test_what_is_wrong_is_found_and_a_near_miss_is_not(reason: str) -> None:
    """Each threshold has two sides."""
    bad, near = CASES[reason]
    assert reason in reasons(bad)
    assert reason not in reasons(near)


@pytest.mark.parametrize("layer", [texts(a_text()), image(a_picture()), logo()])
def test_a_layer_in_order_is_not_remarked_on(layer: LayerSeen) -> None:
    """No finding where nothing is wrong."""
    assert reasons(layer) == []


def test_a_scene_that_says_nothing_is_noted() -> None:
    """Captions would leave it out."""
    board = a_board(scenes=(a_scene(narration=""), a_scene("bye", 20)))
    assert reasons(shape(BRAND.colours.panel), board) == ["narration_missing"]


@pytest.mark.parametrize(
    ("text", "mixed"), [("Michał", True), ("Michal 山田", False), ("山田さんMichal", False)]
)
def test_a_word_in_two_fonts_is_noted_and_a_foreign_script_is_not(text: str, mixed: bool) -> None:
    """The Japanese font has no ł; it would come from another one."""
    brand = BRAND.model_copy(update={"font": "noto-sans-jp"})
    found = reasons(texts(a_text(text=text)), a_board(brand=brand))
    assert found == (["font_mixed"] if mixed else [])


def test_a_finding_names_scene_and_slot_but_not_what_is_in_it() -> None:
    """Findings are kept on receipts; names of people do not belong there."""
    (finding,) = glance_scene(seen(texts(a_text(cut=True))), a_board())
    assert (finding.scene, finding.slot, finding.severity) == ("hello", "first_name", "note")
    assert "first_name" in finding.sentence
    assert "Ada" not in finding.sentence


def test_the_templates_own_words_are_quoted() -> None:
    """Without a slot, the text itself says where to look."""
    (finding,) = glance_scene(seen(texts(a_text(cut=True), slots=())), a_board())
    assert "'Hi Ada'" in finding.sentence


def test_a_plate_of_the_layer_itself_decides_the_contrast() -> None:
    """Dark text on a dark scene is in order on a light button, and the other way round."""
    assert reasons(texts(a_text(on="#ffffff"), under="#000000")) == []
    assert "text_invisible" in reasons(texts(a_text(on="#222222"), under="#ffffff"))


def test_a_mark_needs_to_be_seen_but_not_read() -> None:
    """The number beside a row may be smaller and fainter than text, not invisible."""
    assert reasons(texts(a_text(mark=True, size=8), under="#6a6a6a")) == []
    assert "text_invisible" in reasons(texts(a_text(mark=True), under="#333333"))


def test_one_bad_text_of_many_is_reported_once() -> None:
    """A list with three cut titles is one finding."""
    rows = [a_text(cut=True, ink=Box(40, y, 160, 24)) for y in (40, 80, 120)]
    assert reasons(texts(*rows)) == ["text_cut"]


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (180, 180)])
def test_the_safe_area_follows_the_format(size: tuple[int, int]) -> None:
    """Three and a half per cent of each side, whatever the format."""
    board = a_board(width=size[0], height=size[1])
    near = Box(size[0] * 0.036, 80, 50, 24)
    over = Box(size[0] * 0.5, 80, size[0] * 0.49, 24)
    assert reasons(texts(a_text(ink=near)), board) == ["outside_margin"]
    assert reasons(texts(a_text(ink=over)), board) == ["outside_safe_area"]


def test_the_worst_finding_decides() -> None:
    """Notes are kept, reviews ask a person, failures stop."""
    found = {s: Finding("any", s, "Why.") for s in ("note", "review", "fail")}
    assert verdict([]) == verdict([found["note"]]) == "ready"
    assert verdict([found["note"], found["review"]]) == "needs_review"
    assert verdict([found["review"], found["fail"]]) == "failed"


def test_findings_survive_being_written_down() -> None:
    """A receipt and the cache of compiled scenes hold them as JSON."""
    found = glance_scene(seen(texts(a_text(cut=True), under="#333333")), a_board())
    assert len(found) == 2
    assert findings_from_json(json.loads(json.dumps(findings_to_json(found)))) == found


@pytest.mark.parametrize("row", [{}, {"reason": "text_cut", "severity": "bad", "sentence": "?"}])
def test_what_is_no_finding_is_refused(row: dict[str, str]) -> None:
    """A damaged cache is noticed."""
    with pytest.raises(ValueError, match="severity"):
        findings_from_json([row])


def test_two_layers_with_the_same_fault_are_one_finding() -> None:
    """A slot that is shown twice is not remarked on twice."""
    layer = texts(a_text(cut=True))
    assert len(glance_scene(seen(layer, layer), a_board())) == 1


def test_the_rules_for_the_logo_are_for_the_logo() -> None:
    """Another picture may be small, stretched, and at the edge."""
    small = a_picture(drawn_width=16.0, drawn_height=4.0)
    assert reasons(image(small, box=Box(0, 0, 16, 3))) == []
    assert "outside_safe_area" in reasons(logo(box=Box(0, 0, 100, 50)))
