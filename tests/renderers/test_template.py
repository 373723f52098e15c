"""A mistake in a template shows when it is read, with the place where it stands."""

import json
from pathlib import Path

import pytest

from renderers.errors import TemplateError
from renderers.template import find_template, list_templates, template_schema
from tests.renderers.samples import HELLO, WriteTemplate, picture_bytes

IMAGE_LAYER = '\n[[scenes.layers]]\nkind = "image"\nsource = "{source}"\n'

MISTAKES = {
    "unknown key at the top": (HELLO.replace("fps = 10", "fsp = 10"), ["fsp", ":4"]),
    "unknown key in a slot": (HELLO.replace("longest", "longst"), ["slots.first_name.longst", ":9"]),
    "unknown key in a scene": (HELLO.replace("seconds", "secs"), ["secs", "'hello'", ":13"]),
    "unknown key in a layer": (HELLO.replace("largest", "biggest"), ["layer.biggest", "'hello'", ":19"]),
    "unknown kind of layer": (HELLO.replace('"text"\ntext', '"txt"\ntext'), ["txt", ":17"]),
    "unknown kind of slot": (HELLO.replace('kind = "text"\nrequired', 'kind = "txt"\nrequired'), [":7"]),
    "unknown format": (HELLO.replace("9:16", "4:3"), ["formats", ":3"]),
    "scene without layers": (HELLO.split("[[scenes.layers]]")[0], ["layers"]),
    "no scenes": (HELLO.split("[[scenes]]")[0], ["scenes"]),
    "not TOML": ("title = = 1", ["not valid TOML", "line 1"]),
    "undeclared slot in a text": (
        HELLO.replace("Hi {{ first_name }}\"", "Hi {{ surname }}\""),
        ["surname", "not a declared slot", "hello", ":18"],
    ),
    "undeclared slot in a condition": (
        HELLO.replace("seconds = 1.0", 'seconds = 1.0\nwhen = "vip"'),
        ["vip", "not a declared slot", ":14"],
    ),
    "undeclared slot in a narration": (HELLO.replace("Hi {{ first_name }}.", "{{ x }}"), ["'x'", ":14"]),
    "a statement": (HELLO.replace("Hi {{ first_name }}.", "{% for i in [1] %}{% endfor %}"), ["only"]),
    "multiplication": (HELLO.replace("{{ first_name }}.", "{{ first_name * 9 }}."), ["* is not"]),
    "a power": (HELLO.replace("{{ first_name }}.", "{{ 9 ** 9 }}."), ["** is not"]),
    "percent formatting": (HELLO.replace("{{ first_name }}.", "{{ first_name % 9 }}."), ["% is not"]),
    "a call": (HELLO.replace("{{ first_name }}.", "{{ first_name.upper() }}."), ["calls"]),
    "a private name": (HELLO.replace("{{ first_name }}.", "{{ first_name.__class__ }}."), ["private"]),
    "range": (HELLO.replace("{{ first_name }}.", "{{ range(9) }}."), ["not"]),
    "an unknown filter": (HELLO.replace("{{ first_name }}.", "{{ first_name | pprint }}."), ["pprint"]),
    "an unclosed expression": (HELLO.replace("{{ first_name }}.", "{{ first_name."), ["not a valid"]),
    "unknown colour": (HELLO + 'colour = "lilac"\n', ["lilac", "accent", "hello"]),
    "a missing picture": (HELLO + IMAGE_LAYER.format(source="no.png"), ["no.png", "is not there"]),
    "a picture that is none": (HELLO + IMAGE_LAYER.format(source="fake.png"), ["not what its name"]),
    "a picture of another kind": (HELLO + IMAGE_LAYER.format(source="jpeg.png"), ["holds jpeg"]),
    "a picture outside": (HELLO + IMAGE_LAYER.format(source="../x.png"), ["outside"]),
    "an unknown extension": (HELLO + IMAGE_LAYER.format(source="x.svg"), [".png", "kind of image"]),
    "text below the readable size": (HELLO.replace("= 36", "= 12"), ["smallest", "36", ":20"]),
    "sizes the wrong way round": (HELLO.replace("= 200", "= 36").replace("= 36\n", "= 36\n", 1)
                                  .replace("smallest = 36", "smallest = 90"), ["smallest"]),
    "outside of the canvas": (HELLO + "at = [1200, 0, 200, 100]\n", ["not inside 1280x720", "hello"]),
    "no place for a format": (HELLO + "at = { wide = [0, 0, 9, 9] }\n", ["9:16"]),
    "motion longer than the scene": (HELLO + 'start = 0.8\nenter = "rise"\n', ["no time left"]),
    "an enum without options": (HELLO.replace('kind = "text"\nrequired', 'kind = "enum"\nrequired'), ["options"]),
    "a list without fields": (HELLO.replace('kind = "text"\nrequired', 'kind = "list"\nrequired'), ["item"]),
    "a poster of no scene": (HELLO.replace("fps = 10", 'fps = 10\nposter = "end"'), ["'end'", ":5"]),
    "a chart of no list": (
        HELLO + '\n[[scenes.layers]]\nkind = "chart"\nchart = "bars"\nrows = "first_name"\n',
        ["first_name", "kind list"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_refused_with_its_place(write_template: WriteTemplate, case: str) -> None:
    """Every mistake names the file, and what or where it is."""
    toml, words = MISTAKES[case]
    assets = {
        "fake.png": b"GIF89b-not really",
        "jpeg.png": b"\xff\xd8\xff\xe0 and more",
        "x.svg": b"<svg/>",
    }
    with pytest.raises(TemplateError) as caught:
        write_template(toml, assets)
    assert "template.toml" in str(caught.value)
    assert [word for word in words if word not in str(caught.value)] == []


def test_two_scenes_of_one_name_are_refused(write_template: WriteTemplate) -> None:
    """Analytics count by the scene's name, so it is used once."""
    scene = "[[scenes]]" + HELLO.split("[[scenes]]")[1]
    with pytest.raises(TemplateError, match="'hello' is used twice"):
        write_template(HELLO + scene)


def test_an_own_folder_is_searched_before_the_packaged_one(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """A company replaces a packaged template by one of the same name."""
    write_template(name="onboarding")
    found = find_template("onboarding", [tmp_path / "templates"])
    assert found.title == "Hello"
    assert find_template("onboarding").title != "Hello"


def test_an_unknown_template_lists_what_there_is() -> None:
    """The message helps somebody who mistyped a name."""
    with pytest.raises(TemplateError) as caught:
        find_template("onbording")
    assert all(name in str(caught.value) for name in list_templates([]))


@pytest.mark.parametrize("name", ["../onboarding", "", ".", "onboarding/.."])
def test_a_name_is_never_a_path(name: str) -> None:
    """Names from outside cannot reach other folders."""
    with pytest.raises(TemplateError):
        find_template(name)


def test_the_version_changes_with_every_ingredient(write_template: WriteTemplate) -> None:
    """Words, assets and brand all count, and nothing else does."""
    toml = HELLO + IMAGE_LAYER.format(source="a.png")
    first = write_template(toml, {"a.png": picture_bytes()}).version
    assert write_template(toml, {"a.png": picture_bytes()}).version == first
    other = write_template(toml, {"a.png": picture_bytes(colour="#0022cc")}).version
    words = write_template(toml + "# more\n", {"a.png": picture_bytes()}).version
    brand = (Path(__file__).parents[2] / "renderers/templates/brand.toml").read_bytes()
    branded = write_template(
        toml, {"a.png": picture_bytes(), "brand.toml": brand.replace(b"#0b6b4b", b"#0b6b4c")}
    ).version
    assert len({first, other, words, branded}) == 4


def test_a_broken_brand_is_named(write_template: WriteTemplate) -> None:
    """A brand's mistake names its own file."""
    with pytest.raises(TemplateError, match=r"brand\.toml: colours"):
        write_template(HELLO, {"brand.toml": b'name = "x"\n[colours]\nbg = "red"\n'})


def test_the_published_schema_is_current() -> None:
    """Editors check templates against docs/template.schema.json."""
    published = Path(__file__).parents[2] / "docs" / "template.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == template_schema()
