"""
`cuereel crm app`: what puts us into a CRM's own screens, to be uploaded with the CRM's own tools.
"""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path

import click

from connector.cli.salesforce_package import write_package
from connector.errors import NotFoundError, PayloadError, SettingError
from connector.settings import load_settings

PLACEHOLDER = "https://connector.example.com"
PROJECTS = {"hubspot": "crm/hubspot/app"}
# the rest of the folder serves our tests
UPLOADED = ("hsproject.json", "src")


@click.command("app")
@click.argument("crm")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="A new folder, or one that this command has written before.",
)
@click.option("--name", default="Cuereel", show_default=True, help="What portals see.")
@click.option(
    "--distribution",
    type=click.Choice(["private", "marketplace"]),
    default="private",
    show_default=True,
    help="private: accounts that you allow; marketplace: any account that has the link.",
)
@click.option("--commerce", is_flag=True, help="Salesforce: the org has Commerce carts.")
def app(crm: str, out: Path, name: str, distribution: str, commerce: bool) -> None:
    """
    Write the app project of CRM (hubspot, salesforce), with our own address filled in.

    HubSpot: PUBLIC_BASE_URL must be an https address, as HubSpot calls no other. In the folder
    that is written, `hs project upload` creates the app; its client id and secret then become
    CUEREEL_HUBSPOT_CLIENT_ID and CUEREEL_HUBSPOT_CLIENT_SECRET.

    Salesforce: `cuereel crm install salesforce` deploys the package by itself. This writes it
    for those who deploy with Salesforce's own command line, in stages: what `sf project deploy
    start --metadata-dir` takes. It holds a secret address; keep it out of source control.
    """
    if crm == "salesforce":
        _refuse_foreign(out, {Path(name) for name in ("1-fields-and-objects.zip",)})
        written = write_package(out, commerce=commerce)
        click.echo(f"wrote {', '.join(written)} to {out}; deploy them in this order:")
        for file in written:
            click.echo(f"  sf project deploy start --metadata-dir {out / file} --single-package")
        return
    if crm not in PROJECTS:
        raise NotFoundError(
            f"there is no app project for {crm!r}; there is one for: hubspot, salesforce"
        )
    _write_project(crm, out, name, distribution)


def _write_project(crm: str, out: Path, name: str, distribution: str) -> None:
    address = _address()
    with as_file(files("connector").joinpath(PROJECTS[crm])) as project:
        sources = _sources(Path(project))
        _refuse_foreign(out, {path.relative_to(project) for path in sources})
        for path in sources:
            text = _filled(path.read_text(encoding="utf-8"), address, name, distribution)
            place = out / path.relative_to(project)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    click.echo(f"wrote {len(sources)} files to {out}; next: cd {out} && hs project upload")


def _address() -> str:
    settings = load_settings()
    if not settings.production:
        raise SettingError(
            "PUBLIC_BASE_URL must be the https address under which HubSpot reaches this "
            "installation; set it and run the command again"
        )
    return settings.base_url


def _sources(project: Path) -> list[Path]:
    found: list[Path] = []
    for name in UPLOADED:
        place = project / name
        found += sorted(place.rglob("*")) if place.is_dir() else [place]
    return [path for path in found if path.is_file() and "node_modules" not in path.parts]


def _refuse_foreign(out: Path, ours: set[Path]) -> None:
    there = {path.relative_to(out) for path in out.rglob("*") if path.is_file()}
    if there and not there & ours:
        raise PayloadError(f"{out} holds other files; name a folder that is new or empty")


def _filled(text: str, address: str, name: str, distribution: str) -> str:
    changes = {
        PLACEHOLDER: address,
        '"name": "Cuereel"': f'"name": {json.dumps(name, ensure_ascii=False)}',
        '"distribution": "private"': f'"distribution": "{distribution}"',
    }
    for old, new in changes.items():
        text = text.replace(old, new)
    return text
