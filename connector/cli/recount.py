"""
`cuereel recount`: whether the sums of views are what the sessions add up to.
"""

from __future__ import annotations

import json
import sys

import click

from connector.settings import load_settings
from connector.store import Store, audit
from connector.store import recount as counting


@click.command()
@click.option("--mend", is_flag=True, help="Make the sums right.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def recount(mend: bool, as_json: bool) -> None:
    """Count the views anew and compare; exit 1 where sums differ and are left so."""
    with Store(load_settings().database) as store:
        differed = counting.recount(store, mend=mend)
        if mend and differed:
            with store.write() as tx:
                audit.record(tx, "command line", "recount", "curves", {"count": differed})
    if as_json:
        click.echo(json.dumps({"differed": differed, "mended": mend}))
    else:
        click.echo(_sentence(differed, mend))
    sys.exit(1 if differed and not mend else 0)


def _sentence(differed: int, mend: bool) -> str:
    if not differed:
        return "All sums are right."
    rows = f"{differed} sum{'s' if differed != 1 else ''}"
    return (
        f"{rows} differed and {'were' if differed != 1 else 'was'} mended."
        if mend
        else (f"{rows} differ from the sessions; `cuereel recount --mend` makes them right.")
    )
