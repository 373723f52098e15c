"""
`cuereel template`: what there is to render, which slots it wants, and what is made ahead of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from connector.cli.compiling import LOCALE, Request, compile_all, facts_of, tell
from connector.errors import MappingError, PermanentError
from connector.settings import Settings, load_settings
from renderers.compile import (
    ShelfFacts,
    check_compiled,
    clean_compiled,
    compiled_shelves,
    vet_template,
)
from renderers.errors import RenderError
from renderers.template import Template, find_template, list_templates, template_schema


@click.group()
def template() -> None:
    """Look at templates and make ahead what their videos share."""


@template.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_all(as_json: bool) -> None:
    """List the templates, own ones first, and what is compiled of them on this machine."""
    settings = load_settings()
    found = [_find(name) for name in list_templates(settings.template_folders)]
    shelves = [shelf for shelf in compiled_shelves(settings.compiled) if _is_used(shelf, found)]
    if as_json:
        click.echo(json.dumps({"templates": [_listed(one, shelves) for one in found]}))
        return
    for one in found:
        ready = ", ".join(
            f"{shelf.format} {shelf.height}p ({shelf.bytes / 1e6:.1f} MB)"
            for shelf in shelves
            if shelf.template == one.name
        )
        click.echo(f"{one.name:<20} {one.title:<32} {ready or 'not compiled'}")


@template.command()
@click.argument("name")
def show(name: str) -> None:
    """Show the scenes and slots of template NAME."""
    found = _find(name)
    console = Console()
    console.print(f"[bold]{found.title}[/bold]  {name}, version {found.version}")
    scenes = Table(box=None, header_style="bold", title="scenes", title_justify="left")
    for column in ("scene", "seconds", "only when"):
        scenes.add_column(column)
    for scene in found.scenes:
        scenes.add_row(scene.name, f"{scene.seconds:g}", scene.when or "")
    slots = Table(box=None, header_style="bold", title="slots", title_justify="left")
    for column in ("slot", "kind", "required", "fallback", "longest"):
        slots.add_column(column)
    for slot_name, slot in found.slots.items():
        slots.add_row(
            slot_name,
            slot.kind,
            "yes" if slot.required else "",
            "" if slot.fallback is None else str(slot.fallback)[:60],
            str(slot.longest),
        )
    console.print(scenes, slots)


@template.command("compile")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Compile every template.")
@click.option("--format", "formats", multiple=True, help="16:9, 9:16 or 1:1 [default: all it has].")
@click.option("--height", type=click.IntRange(36, 2160), help="Shorter side [default: 720].")
@click.option("--locale", "locales", multiple=True, help=f"Language [default: {LOCALE}].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compile_named(
    names: tuple[str, ...],
    every: bool,
    formats: tuple[str, ...],
    height: int | None,
    locales: tuple[str, ...],
    as_json: bool,
) -> None:
    """Encode what the videos of templates NAME share, so that no first viewer waits for it."""
    settings = load_settings()
    if every == bool(names):
        raise click.UsageError("name the templates to compile, or say --all")
    chosen = [_find(one) for one in names or list_templates(settings.template_folders)]
    requests = [Request(one, _formats(one, formats), locales or (LOCALE,)) for one in chosen]
    made = compile_all(settings, requests, height=height)
    if as_json:
        click.echo(json.dumps({"compiled": [facts_of(one) for one in made]}))
        return
    for one in made:
        tell(one)


@template.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def check(names: tuple[str, ...]) -> None:
    """Open every asset of templates NAME (all without one) and check what is compiled of them."""
    settings = load_settings()
    wrong = 0
    for name in names or list_templates(settings.template_folders):
        sentences = list(_mistakes(settings, name))
        wrong += len(sentences)
        for sentence in sentences:
            click.secho(f"✗ {sentence}", fg="red", err=True)
        if not sentences:
            click.echo(f"✓ {name}")
    if wrong:
        raise SystemExit(1)


@template.command()
@click.option("--all", "everything", is_flag=True, help="Also what the next video would use.")
def clean(everything: bool) -> None:
    """Delete what is compiled and no longer used; what is missing is made again when needed."""
    settings = load_settings()
    gone = clean_compiled(settings.compiled, everything=everything)
    gone += _clean_outdated(settings)
    for shelf in gone:
        click.echo(f"deleted {shelf.folder.name}  {shelf.bytes / 1e6:.1f} MB")
    click.echo(f"{sum(shelf.bytes for shelf in gone) / 1e6:.1f} MB are free again")


@template.command()
def schema() -> None:
    """Print the JSON Schema of template.toml."""
    click.echo(json.dumps(template_schema(), indent=2))


def _find(name: str) -> Template:
    try:
        return find_template(name, load_settings().template_folders)
    except RenderError as error:
        raise MappingError(str(error)) from error


def _formats(found: Template, wanted: Sequence[str]) -> Sequence[str]:
    unknown = [one for one in wanted if one not in found.formats]
    if unknown:
        raise MappingError(
            f"{found.name} is not laid out for {', '.join(unknown)}; "
            f"it has: {', '.join(found.formats)}"
        )
    return wanted or found.formats


def _is_used(shelf: ShelfFacts, found: Sequence[Template]) -> bool:
    """Tell whether a video that is made now would take anything from there."""
    return shelf.current and (shelf.template, shelf.version) in {
        (one.name, one.version) for one in found
    }


def _listed(found: Template, shelves: Sequence[ShelfFacts]) -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.title,
        "version": found.version,
        "formats": list(found.formats),
        "compiled": [
            {"format": one.format, "height": one.height, "pieces": one.pieces, "bytes": one.bytes}
            for one in shelves
            if one.template == found.name
        ],
    }


def _mistakes(settings: Settings, name: str) -> Iterator[str]:
    try:
        found = find_template(name, settings.template_folders)
    except RenderError as error:
        yield str(error)
        return
    yield from map(str, vet_template(found))
    own = {
        shelf.folder.name for shelf in compiled_shelves(settings.compiled) if shelf.template == name
    }
    for piece in check_compiled(settings.compiled):
        if piece.partition("/")[0] in own:
            yield (
                f"{settings.compiled / piece} is damaged; the next video makes it again, or "
                f"`cuereel template compile {name}` now"
            )


def _clean_outdated(settings: Settings) -> list[ShelfFacts]:
    """Delete what was compiled of templates that are gone or were changed since."""
    found = []
    for name in list_templates(settings.template_folders):
        try:
            found.append(find_template(name, settings.template_folders))
        except RenderError as error:
            # a template with a mistake is mended soon; what is compiled of it may be right then
            raise PermanentError(str(error)) from error
    unused = [one for one in compiled_shelves(settings.compiled) if not _is_used(one, found)]
    for shelf in unused:
        shutil.rmtree(shelf.folder, ignore_errors=True)
    return unused
