"""
`cuereel key`: the keys that encrypt secrets and sign tokens.
"""

from __future__ import annotations

import click

from connector.secrets import new_key, open_keyring
from connector.settings import load_settings
from connector.store import Store, audit, connections, endpoints


@click.group()
def key() -> None:
    """Make and rotate encryption keys."""


@key.command()
def new() -> None:
    """Print a fresh key for CUEREEL_SECRET_KEYS; put it in front of the old ones."""
    click.echo(new_key())


@key.command()
def rotate() -> None:
    """Encrypt all stored secrets with the newest key; afterwards old keys can be dropped."""
    settings = load_settings()
    keyring = open_keyring(settings)
    with Store(settings.database) as store, store.write() as tx:
        count = connections.rotate_keys(tx, keyring)
        endpoints.rotate_keys(tx, keyring)
        audit.record(tx, "command line", "rotate_keys", "connections", {"count": count})
    click.echo(f"{count} connection{'s' if count != 1 else ''} encrypted with the newest key")
