"""
Puts the sample company into a local CRM: contacts, companies, carts, accounts and their pictures.
"""

from __future__ import annotations

import hashlib
from importlib.resources import as_file, files
from pathlib import Path

from connector.cli.prepare import LOCAL
from connector.crm.local.csv_import import Target, import_csv
from connector.crm.local.gateway import Announcement, announce
from connector.errors import PermanentError
from connector.model import JSON, Subject
from connector.settings import Settings
from connector.store import Store, records

SHEETS = {"company": "companies.csv", "contact": "contacts.csv", "cart": "carts.csv",
          "account": "accounts.csv"}  # fmt: skip
PICTURE = "picture:"


def import_sample(settings: Settings, store: Store) -> dict[str, int]:
    """Import every sheet; return how many records there are of each kind."""
    with as_file(files("connector.cli") / "sample") as folder:
        pictures = _keep_pictures(folder / "pictures", settings.folder / "assets")
        counts = {kind: _import(store, folder / name, kind) for kind, name in SHEETS.items()}
    _hang_pictures(store, pictures)
    return counts


def fire(store: Store, event: str, subject: Subject, contact_id: str | None = None) -> None:
    """Let the local CRM tell our hooks, over HTTP and signed, that something happened."""
    with store.write() as tx:
        announce(tx, LOCAL, Announcement(event, subject, contact_id))


def _import(store: Store, path: Path, kind: str) -> int:
    result = import_csv(store, path, Target(LOCAL, kind))
    if result.complaints:
        first = result.complaints[0]
        raise PermanentError(f"{path.name}, line {first.line}: {first.sentence}")
    return result.created


def _keep_pictures(folder: Path, assets: Path) -> dict[str, str]:
    """Copy the pictures to where videos find them, under the hash of their content."""
    assets.mkdir(parents=True, exist_ok=True)
    kept = {}
    for path in sorted(folder.glob("*.png")):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        (assets / f"{digest}.png").write_bytes(content)
        kept[PICTURE + path.name] = f"asset:{digest}"
    return kept


def _hang_pictures(store: Store, pictures: dict[str, str]) -> None:
    with store.write() as tx:
        for cart in list(records.each(tx, LOCAL, "cart")):
            items = [_with_picture(item, pictures) for item in cart.fields.get("items", [])]
            records.put(tx, LOCAL, "cart", cart.id, {**cart.fields, "items": items})


def _with_picture(item: dict[str, JSON], pictures: dict[str, str]) -> dict[str, JSON]:
    return {**item, "image": pictures.get(str(item.get("image")), item.get("image"))}
