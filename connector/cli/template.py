"""
`cuereel template`: what there is to render, and which slots it wants.
"""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.table import Table

from connector.errors import MappingError
from connector.settings import load_settings
from renderers.errors import RenderError
from renderers.template import Template, find_template, list_templates, template_schema


@click.group()
def template() -> None:
    """Look at templates."""


@template.command("list")
def list_all() -> None:
    """List the templates, own ones first."""
    folders = load_settings().template_folders
    for name in list_templates(folders):
        click.echo(f"{name:<20} {_find(name).title}")


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


@template.command()
def schema() -> None:
    """Print the JSON Schema of template.toml."""
    click.echo(json.dumps(template_schema(), indent=2))


def _find(name: str) -> Template:
    try:
        return find_template(name, load_settings().template_folders)
    except RenderError as error:
        raise MappingError(str(error)) from error
