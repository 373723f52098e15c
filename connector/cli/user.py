"""
`cuereel user`: who may sign in to the console, and tokens for programs.
"""

from __future__ import annotations

import json
import secrets
import sys

import click

from connector.jobs.station import Station, make_station
from connector.settings import load_settings
from connector.store import audit, logins, users
from connector.store.logins import Use
from connector.store.users import Role, User

ACTOR = "command line"
ROLES = click.Choice([role.value for role in Role])


@click.group()
def user() -> None:
    """Add, list and disable users of the console."""


@user.command()
@click.argument("email")
@click.option("--role", type=ROLES, default="admin", show_default=True)
@click.option("--connection", help="Show the contacts of this connection only (reps, viewers).")
@click.option("--password-stdin", is_flag=True, help="Read the password instead of making one.")
def add(email: str, role: str, connection: str | None, password_stdin: bool) -> None:
    """Let EMAIL sign in; a password is made and printed once."""
    password, made = _password(password_stdin)
    stored = users.hash_password(password)
    station = _station()
    with station.store.write() as tx:
        added = users.add(tx, email, stored, Role(role), connection)
        audit.record(tx, ACTOR, "user_add", added.email, {"role": role, "connection": connection})
    click.echo(f"{added.email} may sign in at {station.settings.base_url}/console as {role}.")
    if made:
        click.echo(f"Password, shown this once: {password}")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_(as_json: bool) -> None:
    """List users and their roles."""
    with _station().store.read() as tx:
        everyone = users.everyone(tx)
    if as_json:
        click.echo(json.dumps([_told(one) for one in everyone]))
        return
    for one in everyone:
        standing = f" {one.only or ''}{' disabled' if one.disabled else ''}".rstrip()
        click.echo(f"{one.email:40} {one.role:8}{standing}")
    if not everyone:
        click.echo("Nobody yet: cuereel user add you@example.com", err=True)


@user.command()
@click.argument("email")
def disable(email: str) -> None:
    """Sign EMAIL out everywhere and let them in no more."""
    _switch(email, disabled=True)
    click.echo(f"{email} is signed out everywhere and may not sign in.")


@user.command()
@click.argument("email")
def enable(email: str) -> None:
    """Let EMAIL sign in again."""
    _switch(email, disabled=False)
    click.echo(f"{email} may sign in again.")


@user.command()
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password instead of making one.")
def password(email: str, password_stdin: bool) -> None:
    """Give EMAIL another password and end all sessions."""
    fresh, made = _password(password_stdin)
    stored = users.hash_password(fresh)
    with _station().store.write() as tx:
        found = users.by_email(tx, email)
        users.change(tx, found.id, password_hash=stored)
        audit.record(tx, ACTOR, "user_password", found.email)
    click.echo(f"Password, shown this once: {fresh}" if made else "The password is changed.")


@user.command()
@click.argument("email")
@click.option("--days", type=click.FloatRange(0.01, 365), default=90, show_default=True)
def token(email: str, days: float) -> None:
    """Print a token for the API with the rights of EMAIL; it is shown this once."""
    with _station().store.write() as tx:
        found = users.by_email(tx, email)
        made = logins.open_login(tx, found.id, Use.API, days)
        audit.record(tx, ACTOR, "token_make", found.email, {"days": days})
    click.echo(made)


def _told(one: User) -> dict[str, str | bool | None]:
    return {
        "email": one.email,
        "role": one.role,
        "connection": one.only,
        "disabled": one.disabled,
    }


def _switch(email: str, *, disabled: bool) -> None:
    with _station().store.write() as tx:
        found = users.by_email(tx, email)
        users.change(tx, found.id, disabled=disabled)
        audit.record(tx, ACTOR, "user_disable" if disabled else "user_enable", found.email)


def _password(from_stdin: bool) -> tuple[str, bool]:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n"), False
    return secrets.token_urlsafe(12), True


def _station() -> Station:
    return make_station(load_settings())
