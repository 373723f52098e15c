"""Our words and a CRM's fields, in both directions."""

from pathlib import Path

import pytest

from connector.decide.dictionary import WRITE_WORDS, Dictionary, load_dictionary, parse_dictionary
from connector.errors import MappingError


@pytest.fixture(scope="module")
def text() -> str:
    """The packaged dictionary of the built-in CRM."""
    import mappings

    return (Path(mappings.__file__).parent / "crm" / "local.toml").read_text()


@pytest.fixture(scope="module")
def local(text: str) -> Dictionary:
    """The same, read."""
    return parse_dictionary(text, "local")


def test_every_word_finds_its_field_and_back(local: Dictionary) -> None:
    """Reading a field by its word, and the word by its field, are one table."""
    assert local.field("contact.first_name") == "first_name"
    for word in local.words:
        kind = word.partition(".")[0]
        assert local.word(kind, local.field(word) or "") == word


def test_the_kind_tells_fields_of_the_same_name_apart(local: Dictionary) -> None:
    """Contact and account both have a plan."""
    assert local.word("account", "plan") == "account.plan"
    assert local.word("cart", "plan") is None
    assert local.field("cart.plan") is None


def test_what_we_write_comes_in_order_of_priority(local: Dictionary) -> None:
    """Where a CRM limits custom fields, the link is made first."""
    assert tuple(local.write_fields) == WRITE_WORDS
    assert len(WRITE_WORDS) == 22
    assert WRITE_WORDS[:3] == ("video_url", "thumbnail_url", "video_status")


def test_our_own_fields_are_found_both_ways(local: Dictionary) -> None:
    """Needed to write them, and never to listen to them."""
    for word in WRITE_WORDS:
        name = local.write_field(word)
        assert name == f"cuereel_{word}"
        assert local.write_word(name or "") == word
    assert local.write_field("shoe_size") is None
    assert local.write_word("first_name") is None


def test_a_company_may_have_records_of_its_own(text: str) -> None:
    """A store or a course is a kind of record like any other."""
    found = parse_dictionary(f'[store]\ncity = "town"\n{text}', "local")
    assert found.field("store.city") == "town"
    assert "store" in found.kinds


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ('[write.views]', '[write.veiws]', "local.toml: [write.views] is missing."),
        ('[write.views]', '[write.veiws]', "we write no word 'veiws'"),
        ('"cuereel_views"', '"cuereel_rewatches"', "two words are written to 'cuereel_rewatches'"),
        ('field       = "cuereel_views"', "", "'field' is missing"),
        ('type        = "datetime"', 'type = "time"', "write.last_viewed_at.type"),
        ('first_name      = "first_name"', "first_name = 3", "line 6: contact.first_name"),
        ("[contact]", "[people]", "'contact' is missing"),
        ("[cart]", "[cart", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(text: str, right: str, wrong: str, complaint: str) -> None:
    """The complaint says which word, and on which line where there is one."""
    with pytest.raises(MappingError) as refused:
        parse_dictionary(text.replace(right, wrong, 1), "local")
    assert complaint in refused.value.sentence


def test_an_own_dictionary_wins(tmp_path: Path, text: str) -> None:
    """A company that renamed a column brings its own file."""
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "local.toml").write_text(text.replace('= "email"', '= "mail"'))
    assert load_dictionary("local", [tmp_path]).field("contact.email") == "mail"
    assert load_dictionary("local", []).field("contact.email") == "email"


@pytest.mark.parametrize("crm", ["sugar", "../crm/local", ""])
def test_an_unknown_crm_is_named_with_those_that_there_are(crm: str) -> None:
    """One sentence says what to choose from."""
    with pytest.raises(MappingError, match=r"there are: .*local"):
        load_dictionary(crm, [])
