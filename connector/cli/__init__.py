"""
The command line: `cuereel <command>`.

Data goes to standard output, everything else to standard error. Exit codes: 0 done; 1 something is
wrong and the message says what to do; 2 wrong usage; 75 temporary, try again; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import click

from connector.errors import ConnectorError, TemporaryError

TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h

SECTIONS: dict[str, dict[str, str]] = {
    "Run": {
        "up": "connector.cli.up:up",
        "demo": "connector.cli.demo:demo",
        "check": "connector.cli.check:check",
    },
    "Work with videos": {
        "render": "connector.cli.render:render",
        "template": "connector.cli.template:template",
        "campaign": "connector.cli.campaign:campaign",
        "trigger": "connector.cli.trigger:trigger",
        "retry": "connector.cli.retry:retry",
        "erase": "connector.cli.erase:erase",
    },
    "Connect": {
        "crm": "connector.cli.crm:crm",
        "user": "connector.cli.user:user",
        "key": "connector.cli.key:key",
    },
    "Keep safe": {
        "backup": "connector.cli.backup:backup",
        "restore": "connector.cli.backup:restore",
        "migrate": "connector.cli.up:migrate",
        "recount": "connector.cli.recount:recount",
    },
    "Processes (a Procfile runs these)": {
        "work": "connector.cli.work:work",
        "sweep": "connector.cli.work:sweep",
        "web": "connector.cli.work:web",
    },
}
COMMANDS = {name: target for section in SECTIONS.values() for name, target in section.items()}


class Sections(click.Group):
    """Loads a command's module when it is used, so that `--help` needs no renderer."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return all names in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return one command, imported now."""
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their section headings."""
        for title, names in SECTIONS.items():
            rows = []
            for name in names:
                command = self.get_command(context, name)
                if command is not None and not command.hidden:
                    rows.append((name, command.get_short_help_str(64)))
            with formatter.section(title):
                formatter.write_dl(rows)


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cuereel")
def cuereel() -> None:
    """Turn a moment in a CRM into a video made for one person, and write back what they watched."""


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Show errors that we raise on purpose as one sentence, without a trace."""
    try:
        yield
    except ConnectorError as error:
        click.secho(f"cuereel: {error.sentence}", fg="red", err=True)
        sys.exit(TEMPORARY if isinstance(error, TemporaryError) else 1)


def main() -> None:
    """Run the command line."""
    with _plain_errors():
        cuereel(prog_name="cuereel")
