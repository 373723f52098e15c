"""
What the demo shows: live progress while it runs, and two records before and after.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from connector.cli.demo_numbers import Numbers
from connector.cli.prepare import LOCAL
from connector.jobs.station import Station
from connector.model import PLAYABLE
from connector.store import decisions, records

PLURALS = {"company": "companies", "contact": "contacts", "cart": "carts", "account": "accounts"}
SHOWN = ("video_url", "video_status", "video_status_reason", "percent_watched", "furthest_percent",
         "views", "rewatches", "last_cta", "cta_clicks", "engagement_score", "engagement_tier",
         "drop_off_scene", "video_fallback_slots")  # fmt: skip


class Screen:
    """Bars that follow the road: arrived, decided, rendered, written, watched."""

    def __init__(self, console: Console, counts: dict[str, int], *, quiet: bool) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("[dim]{task.fields[note]}[/dim]"),
            TimeElapsedColumn(),
            console=console,
        )
        self._live = Live(self._progress, console=console, refresh_per_second=8, transient=True)
        self._quiet = quiet or not console.is_terminal
        self._plain = not quiet and not console.is_terminal
        self._last = ""
        names = ("triggers over HTTP", "decided", "videos rendered", "links on records", "watched")
        self._bars = {name: self._progress.add_task(name, total=1, note="") for name in names}
        if not quiet:
            held = ", ".join(f"{number} {PLURALS[kind]}" for kind, number in counts.items())
            console.print(f"[bold]Cuereel demo[/bold]  a local CRM with {held}")

    def __enter__(self) -> Screen:
        if not self._quiet:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._quiet:
            self._live.stop()

    def show(self, numbers: Numbers, expected: int, watching: int) -> None:
        """Bring the bars up to date."""
        planned = max(sum(numbers.statuses.values()), 1)
        refused = sum(n for outcome, n in numbers.outcomes.items() if outcome != "send")
        ready = sum(numbers.statuses.get(status, 0) for status in PLAYABLE)
        self._set("triggers over HTTP", numbers.triggers, expected)
        self._set("decided", numbers.decided, expected, f"{refused} refused" if refused else "")
        self._set("videos rendered", ready, planned)
        self._set("links on records", numbers.links_written, planned)
        self._set("watched", numbers.metrics_written, 2, f"{watching} watching" if watching else "")
        self._say(f"{numbers.decided}/{expected} decided, {ready}/{planned} videos rendered")

    def _say(self, line: str) -> None:
        """Write a line for each step where there is no terminal to draw bars on."""
        if self._plain and line != self._last:
            self._last = line
            self._console.print(line)

    def _set(self, name: str, completed: int, total: int, note: str = "") -> None:
        self._progress.update(self._bars[name], completed=completed, total=total, note=note)


def show_records(console: Console, station: Station, watched: list[str]) -> None:
    """Print the records of those who watched, before and after, and why others got nothing."""
    for contact_id in watched:
        _show_record(console, station, contact_id)
    _show_refusals(console, station)


def _show_record(console: Console, station: Station, contact_id: str) -> None:
    with station.store.read() as tx:
        record = records.get(tx, LOCAL, "contact", contact_id)
    if record is None:
        return
    name = f"{record.fields.get('first_name', '')} {record.fields.get('last_name', '')}".strip()
    table = Table(
        title=f"{name} ({contact_id})", title_justify="left", box=None, header_style="dim"
    )
    table.add_column("field on the contact")
    table.add_column("before", style="dim")
    table.add_column("after", overflow="fold")
    for word in SHOWN:
        value = record.fields.get(f"cuereel_{word}")
        if value is not None:
            table.add_row(f"cuereel_{word}", "–", _written(value))
    console.print()
    console.print(table)


def _show_refusals(console: Console, station: Station) -> None:
    with station.store.read() as tx:
        refusals = [
            (record.fields.get("first_name", record.id), decision.sentence)
            for record in records.each(tx, LOCAL, "contact")
            for decision in decisions.of_contact(tx, LOCAL, record.id)
            if decision.outcome != "send"
        ]
    for name, sentence in refusals:
        console.print(f"\n[yellow]no video for {name}[/yellow]  {sentence}")


def _written(value: Any) -> str:
    return str(value)
