"""What npm brings and what is placed agree, and no file names a registry."""

import json
from pathlib import Path

from renderers import fonts
from tools.place_assets import FONT_PACKAGES, VENDOR_FILES

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_is_placed_and_pinned() -> None:
    """package.json lists exactly what tools/place_assets.py copies, by exact version."""
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    vendors = {
        "/".join(name.split("/")[: 2 if name.startswith("@") else 1]) for name in VENDOR_FILES
    }
    placed = {f"@expo-google-fonts/{name}" for name in FONT_PACKAGES} | vendors
    assert set(wanted) == placed
    assert all(version[0].isdigit() for version in wanted.values())


def test_the_lock_holds_hashes_and_no_addresses() -> None:
    """The same bytes come from any registry."""
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert all(facts["integrity"].startswith("sha512-") for facts in packages.values())
    assert not any("resolved" in facts for facts in packages.values())


def test_every_font_has_its_licence_beside_it() -> None:
    """Fonts are given away with their terms."""
    families = {path.stem.rpartition("-")[0] for path in fonts.FOLDER.glob("*.ttf")}
    licences = {path.stem for path in (fonts.FOLDER / "licences").glob("*.txt")}
    assert families == licences == set(FONT_PACKAGES)
