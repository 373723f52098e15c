"""
What an account's own credentials are on the command line, and which options go together.

Secrets come from a file or are typed unseen, never from the command line, where others can read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from connector.crm.accounts import title_of
from connector.errors import PayloadError

LONGEST_TOKEN, LONGEST_KEY_FILE, LONGEST_NAME = 4096, 16_384, 255
SECRET_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
PEM_START = "-----BEGIN "
OPTIONS = (
    click.option(
        "--token-file",
        type=SECRET_FILE,
        help="HubSpot: a file that holds the account's own token; - reads it from standard input.",
    ),
    click.option(
        "--token",
        "ask_token",
        is_flag=True,
        help="HubSpot: ask for the account's own token; it is not shown.",
    ),
    click.option(
        "--domain", help="Salesforce: the org's own domain, such as acme.my.salesforce.com."
    ),
    click.option("--key", help="Salesforce: the consumer key of the org's app."),
    click.option(
        "--secret-file", type=SECRET_FILE, help="Salesforce: a file that holds the consumer secret."
    ),
    click.option(
        "--secret",
        "ask_secret",
        is_flag=True,
        help="Salesforce: ask for the consumer secret; it is not shown.",
    ),
    click.option("--username", help="Salesforce: the user to run as, with --private-key."),
    click.option(
        "--private-key",
        type=SECRET_FILE,
        help="Salesforce: a file with the RSA key (PEM) whose certificate the app has.",
    ),
)


@dataclass(frozen=True)
class Offered:
    """What somebody typed behind `crm connect`; nothing of it is checked yet."""

    token_file: Path | None = None
    ask_token: bool = False
    domain: str | None = None
    key: str | None = None
    secret_file: Path | None = None
    ask_secret: bool = False
    username: str | None = None
    private_key: Path | None = None

    def names(self) -> set[str]:
        """Return the options that were given, as they are typed."""
        given = {one.name for one in fields(self) if getattr(self, one.name)}
        return {TYPED.get(name, f"--{name.replace('_', '-')}") for name in given}


TYPED = {"ask_token": "--token", "ask_secret": "--secret"}
SECRETS, KEYS = {"--secret", "--secret-file"}, {"--username", "--private-key"}
BELONG = {
    "hubspot": {"--token", "--token-file"},
    "salesforce": {"--domain", "--key", *SECRETS, *KEYS},
}


def with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of all credentials."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def credentials(crm: str, offered: Offered) -> dict[str, str]:
    """
    Return the credentials as the CRM names them; nothing where none were given.

    Raises UsageError for options that do not go together, PayloadError for what a file does not hold.
    """
    given = offered.names()
    foreign = given - BELONG.get(crm, set())
    if foreign:
        raise click.UsageError(
            f"{title_of(crm)} takes no {_listed(foreign)}; see `cuereel crm connect --help`"
        )
    if not given:
        return {}
    return READERS[crm](offered)


def _of_hubspot(offered: Offered) -> dict[str, str]:
    text = (
        _asked("Token of the HubSpot account")
        if offered.token_file is None
        else _read(offered.token_file, LONGEST_TOKEN)
    )
    return {"token": _word(text, "a token")}


def _of_salesforce(offered: Offered) -> dict[str, str]:
    given = offered.names()
    _must_go_together(given)
    named = {
        "domain": _name(offered.domain or ""),
        "consumer_key": _word(offered.key or "", "a key"),
    }
    if offered.private_key is not None:
        key = _read(offered.private_key, LONGEST_KEY_FILE)
        return {**named, "username": _name(offered.username or ""), "private_key": _pem(key)}
    text = (
        _asked("Consumer secret of the org's app")
        if offered.secret_file is None
        else _read(offered.secret_file, LONGEST_TOKEN)
    )
    return {**named, "consumer_secret": _word(text, "a consumer secret")}


def _must_go_together(given: set[str]) -> None:
    if given & SECRETS and given & KEYS:
        raise click.UsageError(
            "an app lets in by its secret (--secret-file or --secret) or by a private key "
            "(--username and --private-key), not by both"
        )
    if given >= SECRETS:
        raise click.UsageError("give --secret-file, or --secret to be asked, not both")
    needed = {"--key", *KEYS} if given & KEYS else {"--key", "--domain"}
    missing = needed - given
    if not given & (SECRETS | KEYS):
        raise click.UsageError(
            "what proves that it is you is missing: --secret-file, --secret to be asked, or "
            "--username and --private-key"
        )
    if missing:
        raise click.UsageError(f"{_listed(missing)} must be given too")


def _asked(what: str) -> str:
    return str(click.prompt(f"{what} (it is not shown)", hide_input=True))


def _read(file: Path, longest: int) -> str:
    with click.open_file(str(file), encoding="utf-8", errors="replace") as opened:
        return str(opened.read(longest + 1))


def _word(text: str, what: str) -> str:
    word = text.strip()
    if not word or len(word) > LONGEST_TOKEN or not word.isascii() or word.split() != [word]:
        raise PayloadError(
            f"this is not {what}: it is one word, and nothing else may stand beside it"
        )
    return word


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise PayloadError("the domain or the username is not one")
    return text.strip()


def _pem(text: str) -> str:
    if len(text) > LONGEST_KEY_FILE or PEM_START not in text or "PRIVATE KEY-----" not in text:
        raise PayloadError(
            "this file holds no private key; it begins with -----BEGIN PRIVATE KEY----- "
            "(`cuereel crm connect salesforce` prints how to make one)"
        )
    return text.strip() + "\n"


def _listed(names: set[str]) -> str:
    return " and ".join(sorted(names))


READERS: dict[str, Callable[[Offered], dict[str, str]]] = {
    "hubspot": _of_hubspot,
    "salesforce": _of_salesforce,
}
