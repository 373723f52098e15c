"""The demo's sample data is what an admin could import, and every record of it makes a video."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import skia

from connector.cli import sample
from connector.crm import CRM, Connection, Surroundings, open_crm
from connector.crm.local.csv_import import Imported, Target, import_csv
from connector.decide.campaigns import Campaign, load_campaigns, packaged
from connector.decide.delivery import call_to_action, locale_of
from connector.decide.dictionary import load_dictionary
from connector.decide.slots import Filled, fill
from connector.limits import Limits
from connector.model import Consent, Record, Subject
from connector.secrets import Keyring
from connector.settings import Settings
from connector.signing import new_secret
from connector.store import Store, records
from renderers.compose import Composer
from renderers.storyboard import assemble
from renderers.template import Template, find_template
from tests.fakes.local import connect_local

FOLDER = Path(sample.__file__).parent
PICTURES = sorted((FOLDER / "pictures").glob("*.png"))
FILES = {"contact": "contacts", "company": "companies", "cart": "carts", "account": "accounts"}
COUNTS = {"contact": 24, "company": 6, "cart": 7, "account": 6}
CAMPAIGNS = {"contact": "onboarding", "cart": "abandoned_cart", "account": "account_review"}
MARK = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class World:
    """The sample in a local CRM, as the demo has it after importing."""

    store: Store
    crm: CRM
    imports: Mapping[str, Imported]

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """The fields of every record of a kind, by id."""
        with self.store.read() as tx:
            return {row.id: dict(row.fields) for row in records.each(tx, "local", kind)}

    def campaign(self, kind: str) -> Campaign:
        """The packaged campaign about a kind of record."""
        return load_campaigns([packaged()])[CAMPAIGNS[kind]]

    def read(self, kind: str) -> list[Record]:
        """Every record of a kind as the planner reads it."""
        subjects = [Subject(kind, found) for found in self.all(kind)]
        return list(self.crm.read(subjects, self.campaign(kind).words()).values())

    def filled(self, kind: str) -> Iterator[tuple[Record, str, Template, Filled]]:
        """Every record of a kind with its language, its template and the slots it fills."""
        campaign = self.campaign(kind)
        template = find_template(campaign.steps[0].template)
        for record in self.read(kind):
            context = {"subject": {"kind": kind, "id": record.subject.id}, "variant": ""}
            locale = locale_of(campaign, record.fields, context)
            slots = fill(
                campaign.slots, template.slots, record.fields, locale=locale, context=context
            )
            yield record, locale, template, slots


@pytest.fixture
def world(sqlite_store: Store, settings: Settings, keyring: Keyring) -> World:
    """The sample, imported, with the pictures of its carts stored."""
    secrets = [new_secret()]
    connect_local(sqlite_store, keyring, "local", secrets)
    imports = {
        kind: import_csv(sqlite_store, FOLDER / f"{name}.csv", Target("local", kind))
        for kind, name in FILES.items()
    }
    connection = Connection("local", "local", "Local", secrets={"signing": secrets})
    surroundings = Surroundings(
        settings, sqlite_store, load_dictionary("local", ()), keyring, Limits(None)
    )
    made = World(sqlite_store, open_crm(connection, surroundings), imports)
    digests = {f"picture:{path.name}": f"asset:{_digest(path)}" for path in PICTURES}
    with sqlite_store.write() as tx:
        for found, fields in made.all("cart").items():
            items = [{**item, "image": digests[item["image"]]} for item in fields["items"]]
            records.put(tx, "local", "cart", found, {"items": items})
    return made


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """The pictures as our own storage keeps them."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for path in PICTURES:
        (folder / f"{_digest(path)}.png").write_bytes(path.read_bytes())
    return folder


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _scripts(text: str) -> set[str]:
    """The scripts of the letters of a text: LATIN, ARABIC, HIRAGANA, CJK …"""
    letters = [char for char in text if unicodedata.category(char)[0] == "L"]
    return {unicodedata.name(char).split()[0] for char in letters}


@pytest.mark.parametrize("kind", FILES)
def test_every_row_imports_without_a_complaint(world: World, kind: str) -> None:
    """No row is refused, and each makes a record of its own."""
    done = world.imports[kind]
    assert done.complaints == []
    assert (done.created, done.refused) == (COUNTS[kind], 0)


@pytest.mark.parametrize("kind", CAMPAIGNS)
def test_every_record_fills_its_template_with_its_own_values(world: World, kind: str) -> None:
    """Nothing is missing, shortened or replaced by a fallback, and the button has an address."""
    campaign = world.campaign(kind)
    filled = list(world.filled(kind))
    assert len(filled) == COUNTS[kind]
    for record, _, _, slots in filled:
        assert (record.subject, slots.problems, dict(slots.reasons)) == (record.subject, (), {})
        wanted = set(campaign.slots)
        assert {
            name for name in wanted if slots.slots[name].text or slots.slots[name].value
        } == wanted
        context = {"subject": {"kind": kind, "id": record.subject.id}}
        assert call_to_action(campaign, slots, record.fields, context)


@pytest.mark.parametrize("kind", CAMPAIGNS)
def test_every_video_can_be_drawn(world: World, assets: Path, kind: str) -> None:
    """The last frame of each scene is drawn: no glyph is missing and every text has room."""
    for _, locale, template, filled in world.filled(kind):
        board = assemble(template, filled.slots, locale=locale, height=180, asset_root=assets)
        composer = Composer(board)
        for scene in board.scenes:
            frame = composer.frame(scene.start_frame + scene.frames - 1)
            assert frame.min() < frame.max()


def test_the_names_are_written_in_at_least_twelve_scripts(world: World) -> None:
    """Names of the world, not of one alphabet; and no two contacts share a language and country."""
    people = world.all("contact").values()
    names = "".join(f"{one['first_name']}{one['last_name']}" for one in people)
    assert len(_scripts(names)) >= 12
    assert len({one["locale"] for one in people}) == 24
    assert any("🌿" in one["first_name"] for one in people)


def test_nobody_of_the_sample_can_be_reached(world: World) -> None:
    """Addresses belong to domains that are reserved for examples."""
    people = world.all("contact").values()
    addresses = [one[field] for one in people for field in ("email", "owner_email")]
    assert {address.partition("@")[2] for address in addresses} == {"example.org", "example.com"}
    sites = [one["website"] for one in world.all("company").values()]
    sites += [one["checkout_url"] for one in world.all("cart").values()]
    assert all(site.split("/")[2].endswith("example.com") for site in sites)


def test_one_contact_said_no(world: World) -> None:
    """The demo can show a refusal with its reason."""
    answers = world.crm.consent(list(world.all("contact")))
    assert [who for who, answer in answers.items() if answer is Consent.DENIED] == ["c23"]


def test_records_point_at_one_another(world: World) -> None:
    """Contacts at companies, carts and accounts at contacts; nobody has two carts or accounts."""
    people = world.all("contact")
    assert {one["company_id"] for one in people.values()} == set(world.all("company"))
    for kind in ("cart", "account"):
        owners = [one["contact_id"] for one in world.all(kind).values()]
        assert len(set(owners)) == len(owners)
        assert set(owners) <= set(people)


def test_a_cart_comes_to_what_its_items_cost(world: World) -> None:
    """The total is the sum of prices times quantities."""
    for cart in world.all("cart").values():
        cost = sum(item["price"] * item["quantity"] for item in cart["items"])
        assert cart["total"] == pytest.approx(cost)


def test_the_change_of_an_account_is_what_its_usage_says(world: World) -> None:
    """The last three months against the three before; one account went down."""
    changes = []
    for account in world.all("account").values():
        values = [row["value"] for row in account["usage"]]
        assert 6 <= len(values) <= 12
        change = (sum(values[-3:]) / sum(values[-6:-3]) - 1) * 100
        assert account["usage_change"] == pytest.approx(change, abs=0.05)
        assert 0 < account["seats_used"] <= account["seats_total"]
        changes.append(account["usage_change"])
    assert sum(change < 0 for change in changes) == 1


def test_the_carts_show_every_picture_and_no_other() -> None:
    """Each picture is somebody's item, and each item has its picture."""
    text = (FOLDER / "carts.csv").read_text(encoding="utf-8").replace('""', '"')
    named = {part.split('"')[0] for part in text.split('"image": "')[1:]}
    assert named == {f"picture:{path.name}" for path in PICTURES}


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_a_small_square_png(path: Path) -> None:
    """640 pixels a side, under 40 kB, and what its name says."""
    content = path.read_bytes()
    assert content.startswith(MARK)
    assert len(content) < 40_000
    image = skia.Image.MakeFromEncoded(skia.Data(content))
    assert (image.width(), image.height()) == (640, 640)
