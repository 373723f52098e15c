"""
Compiles templates on this machine and shows how far it is: for the command line and for campaigns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from connector.decide.campaigns import Campaign
from connector.decide.facts import has_expressions
from connector.decide.slots import fill
from connector.errors import PermanentError, TemporaryError
from connector.settings import Settings
from renderers.compile import Compiled, SceneCost, compile_template
from renderers.errors import RenderError
from renderers.template import Template, find_template
from renderers.values import SlotValue

LOCALE = "en"
Advance = Callable[[float, str], None]


@dataclass(frozen=True)
class Request:
    """One template to compile: where it is used, and the values that all its videos share."""

    template: Template
    formats: Sequence[str]
    locales: Sequence[str] = (LOCALE,)
    slots: Mapping[str, SlotValue] | None = None


def compile_all(
    settings: Settings, requests: Sequence[Request], *, height: int | None = None
) -> list[Compiled]:
    """Compile one after the other, with a bar where a person looks on."""
    made: list[Compiled] = []
    with _bar() as advance:
        for number, request in enumerate(requests):
            part = partial(_part, advance, number, len(requests))
            made += _compile(settings, request, height or settings.video_height, part)
    return made


def requests_of(
    campaigns: Sequence[Campaign], settings: Settings, *, locales: Sequence[str] = ()
) -> Iterator[Request]:
    """Yield what the videos of these campaigns will want, each once; unusable templates are left out."""
    seen: list[Request] = []
    for campaign in campaigns:
        for name in dict.fromkeys(step.template for step in campaign.steps):
            try:
                template = find_template(name, settings.template_folders)
            except RenderError:
                continue
            for locale in locales or (_locale(campaign),):
                formats = [one for one in campaign.deliver.formats if one in template.formats]
                request = Request(template, formats, (locale,), _shared(campaign, template, locale))
                if formats and request not in seen:
                    seen.append(request)
                    yield request


def tell(made: Compiled) -> None:
    """Print what a compiled template costs per video."""
    click.echo(
        f"{made.template} {made.format} {made.height}p  "
        f"{made.bytes / 1e6:.1f} MB in {made.pieces} pieces, {made.seconds:.1f} s"
    )
    for scene in made.scenes:
        click.echo(f"  {scene.name:<20} {_cost(scene)}")
    for finding in made.findings:
        if finding.severity != "note":
            where = f"scene {finding.scene}: " if finding.scene else ""
            click.echo(f"  ! {where}{finding.sentence}", err=True)


def facts_of(made: Compiled) -> dict[str, Any]:
    """Return a compiled template as `--json` prints it."""
    return {
        "template": made.template,
        "version": made.version,
        "format": made.format,
        "height": made.height,
        "folder": str(made.folder),
        "pieces": made.pieces,
        "bytes": made.bytes,
        "seconds": round(made.seconds, 2),
        "scenes": [
            {"name": one.name, "personal": one.personal, "frames": one.frames, "drawn": one.drawn}
            for one in made.scenes
        ],
        "findings": [
            {"reason": one.reason, "severity": one.severity, "sentence": one.sentence,
             "scene": one.scene, "slot": one.slot}
            for one in made.findings
        ],
    }  # fmt: skip


def said_by_renderer(error: RenderError) -> PermanentError | TemporaryError:
    """Turn what the renderer says into an error of the command line."""
    kind = TemporaryError if getattr(error, "temporary", False) else PermanentError
    return kind(str(error), reason=error.reason)


def _compile(settings: Settings, request: Request, height: int, advance: Advance) -> list[Compiled]:
    try:
        return compile_template(
            request.template,
            compiled=settings.compiled,
            formats=request.formats,
            height=height,
            locales=request.locales,
            slots=request.slots,
            asset_root=settings.folder / "assets",
            progress=advance,
        )
    except RenderError as error:
        raise said_by_renderer(error) from error
    except OSError as error:
        raise PermanentError(f"{settings.compiled}: {(error.strerror or '').lower()}") from error


@contextmanager
def _bar() -> Iterator[Advance]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=32), TimeElapsedColumn())
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task("compiling", total=1.0)
        yield lambda share, what: progress.update(
            task, completed=share, description=f"compiling {what}"
        )


def _part(advance: Advance, done: int, count: int, share: float, what: str) -> None:
    """Tell how far the whole is when one of its parts is at *share*."""
    advance((done + share) / count, what)


def _locale(campaign: Campaign) -> str:
    """Return the language that a campaign's videos have when the record names none."""
    source = campaign.deliver.locale
    for text in (source.value, source.otherwise):
        if isinstance(text, str) and not has_expressions(text):
            return text
    return LOCALE


def _shared(campaign: Campaign, template: Template, locale: str) -> dict[str, SlotValue]:
    """Return the values of static slots, as a record without any fields fills them."""
    filled = fill(campaign.slots, template.slots, {}, locale=locale)
    return {
        name: value
        for name, value in filled.slots.items()
        if template.slots[name].cardinality == "static"
    }


def _cost(scene: SceneCost) -> str:
    if not scene.personal:
        return "shared"
    return f"personal: {scene.drawn} of {scene.frames} frames drawn"
