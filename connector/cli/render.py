"""
`cuereel render`: one video from a template and a file of slots, without any CRM.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from connector.cli.compiling import said_by_renderer
from connector.decide.slots import plain_values
from connector.errors import MappingError, PermanentError
from connector.fetch import bring_in
from connector.settings import Settings, load_settings
from renderers.errors import RenderError
from renderers.quality.findings import findings_to_json, verdict
from renderers.render import Rendered
from renderers.render import render as draw
from renderers.storyboard import Storyboard, assemble
from renderers.template import find_template

LARGEST = 20_000_000


@click.command()
@click.argument("template")
@click.option("--slots", type=click.Path(path_type=Path), help="JSON or TOML file of slot values.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
@click.option("--format", "shape", default="16:9", show_default=True, help="16:9, 9:16 or 1:1.")
@click.option("--height", type=int, help="Pixels of the shorter side [default: 720].")
@click.option("--locale", default="en", show_default=True)
@click.option(
    "--renderer", type=click.Choice(["stitching", "reference"]), help="[default: stitching]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def render(
    template: str,
    slots: Path | None,
    out: Path,
    shape: str,
    height: int | None,
    locale: str,
    renderer: str | None,
    as_json: bool,
) -> None:
    """Render TEMPLATE with the slots of a file."""
    settings = load_settings()
    if renderer:
        settings = settings.model_copy(update={"renderer": renderer})
    try:
        board = _storyboard(settings, template, slots, shape, height, locale)
        out.mkdir(parents=True, exist_ok=True)
        rendered = _draw(settings, board, out)
    except RenderError as error:
        raise said_by_renderer(error) from error
    except OSError as error:
        raise PermanentError(f"{out}: {(error.strerror or str(error)).lower()}") from error
    if as_json:
        click.echo(json.dumps(_facts(rendered)))
        return
    click.echo(f"{rendered.video}  {rendered.duration:.1f} s, {rendered.bytes / 1e6:.1f} MB")
    for path in (rendered.poster, rendered.gif, rendered.captions, rendered.chapters):
        click.echo(path)
    for finding in rendered.findings:
        if finding.severity != "note":
            where = f"scene {finding.scene}: " if finding.scene else ""
            click.echo(f"! {where}{finding.sentence}", err=True)


def _storyboard(
    settings: Settings, name: str, slots: Path | None, shape: str, height: int | None, locale: str
) -> Storyboard:
    template = find_template(name, settings.template_folders)
    values = plain_values(template, _read(slots) if slots else {}, locale)
    assets = settings.folder / "assets"
    brought = bring_in(values, template, assets)
    for slot in brought.missing:
        click.echo(f"! slot {slot!r}: a picture cannot be had; it is left out", err=True)
    return assemble(
        template,
        brought.slots,
        locale=locale,
        format=shape,
        height=height or settings.video_height,
        asset_root=assets,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise MappingError(
                f"{path} is larger than {LARGEST // 1_000_000} MB; is it slot values?"
            )
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise MappingError(f"{path}: {(error.strerror or '').lower()}") from error
    except (ValueError, RecursionError) as error:
        raise MappingError(
            f"{path} is not valid {path.suffix.lstrip('.') or 'JSON'}: {error}"
        ) from error
    if not isinstance(values, dict):
        raise MappingError(f"{path} must hold one object: slot names and their values")
    return values


def _draw(settings: Settings, board: Storyboard, out: Path) -> Rendered:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(f"rendering {board.template}", total=1.0)
        return draw(
            board,
            out,
            renderer=settings.renderer,
            compiled=settings.compiled,
            reuse=settings.reuse == "template",
            progress=lambda done: progress.update(task, completed=done),
        )


def _facts(rendered: Rendered) -> dict[str, Any]:
    return {
        "video": str(rendered.video),
        "poster": str(rendered.poster),
        "gif": str(rendered.gif),
        "captions": str(rendered.captions),
        "chapters": str(rendered.chapters),
        "duration": rendered.duration,
        "width": rendered.width,
        "height": rendered.height,
        "bytes": rendered.bytes,
        "scenes": list(rendered.manifest),
        "transcript": rendered.transcript,
        "verdict": verdict(rendered.findings),
        "findings": findings_to_json(rendered.findings),
    }
