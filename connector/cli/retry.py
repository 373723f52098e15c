"""
`cuereel retry`: what was given up, why, and another try.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from connector.settings import load_settings
from connector.store import Store, audit, leases, videos
from connector.store.tables import WORK


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Try everything again.")
@click.option("--noun", type=click.Choice(list(WORK)), help="Only this kind of work.")
@click.option("--reason", help="Only what was given up for this reason.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def retry(
    ids: tuple[str, ...], everything: bool, noun: str | None, reason: str | None, as_json: bool
) -> None:
    """List what was given up and why; with IDS or --all, try again."""
    with Store(load_settings().database) as store:
        with store.read() as tx:
            letters = [
                letter
                for letter in leases.dead(tx)
                if (noun is None or letter.noun == noun)
                and (reason is None or letter.reason == reason)
                and (not ids or letter.id in ids)
            ]
        if ids or everything:
            _revive(store, letters)
    if ids or everything:
        click.echo(
            json.dumps({"retried": [letter.id for letter in letters]})
            if as_json
            else f"{len(letters)} will be tried again"
        )
    elif as_json:
        click.echo(json.dumps({"dead": [asdict(letter) for letter in letters]}, ensure_ascii=False))
    else:
        _show(letters)


def _revive(store: Store, letters: list[leases.DeadLetter]) -> None:
    with store.write() as tx:
        for name in {letter.noun for letter in letters}:
            mine = [letter.id for letter in letters if letter.noun == name]
            revived = leases.revive(tx, name, mine)
            if name == "videos":
                videos.redo(tx, revived)
        audit.record(tx, "command line", "retry", "dead letters", {"count": len(letters)})


def _show(letters: list[leases.DeadLetter]) -> None:
    if not letters:
        click.echo("Nothing was given up.")
        return
    table = Table(box=None, header_style="bold")
    for column in ("what", "id", "tries", "reason", "what happened"):
        table.add_column(column, overflow="fold")
    for letter in letters:
        table.add_row(letter.noun, letter.id, str(letter.attempt), letter.reason, letter.sentence)
    Console().print(table)
    groups = Counter(letter.reason for letter in letters)
    summary = ", ".join(f"{count} × {name}" for name, count in groups.most_common())
    click.echo(f"\n{summary}. Try again with `cuereel retry ID …`, `--reason R --all` or `--all`.")
