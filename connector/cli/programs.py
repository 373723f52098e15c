"""
Which processes make up Cuereel on one machine, and how to tell that they are up.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import requests
from pydantic import AliasChoices, AliasPath

from connector.cli.processes import Program, python
from connector.errors import SettingError, TemporaryError
from connector.queues import QUEUES
from connector.settings import Settings

WEB_THREADS = 16
WEB_FIRST_SECONDS = 1.5
READY_SECONDS = 60.0


def programs(settings: Settings, redis_url: str, *, workers: int = 2) -> list[Program]:
    """Return the processes of one small machine: web, workers that share all queues, the sweep."""
    environment = {**os.environ, **variables(settings), "REDIS_URL": redis_url}
    commands = {
        "web": web_command(settings),
        **{f"work-{n}": python("connector.cli", "work", *QUEUES) for n in range(1, workers + 1)},
        "sweep": python("connector.cli", "sweep"),
    }
    # on two cores the pages come up first; what works behind them may take a second longer
    return [
        Program(name, command, environment, after=0.0 if name == "web" else WEB_FIRST_SECONDS)
        for name, command in commands.items()
    ]


def web_command(settings: Settings, application: str = "connector.app:create_app()") -> list[str]:
    """Return the command of the web process."""
    return [
        *python("gunicorn", "--bind", f"{settings.host}:{settings.port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(WEB_THREADS)),
        *("--timeout", "60", "--graceful-timeout", "6", "--log-level", "warning"),
        # longer than a player waits between two beacons, so that it need not connect anew
        *("--keep-alive", "30"),
        *("--no-control-socket", application),
    ]


def variables(settings: Settings) -> dict[str, str]:
    """Return the environment in which a child reads the same settings."""
    return {
        _variable(name): _text(getattr(settings, name))
        for name in sorted(settings.model_fields_set | {"home"})
    }


def ensure_port_is_free(host: str, port: int) -> None:
    """Raise SettingError when nothing can listen on this port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingError(
                f"port {port} on {host} cannot be used ({(error.strerror or '').lower()}); "
                "stop what uses it, or set PORT to another number"
            ) from None


def wait_until_ready(
    url: str, *, seconds: float = READY_SECONDS, alive: Callable[[], bool] = lambda: True
) -> float:
    """Wait until *url* answers 200; return the seconds it took, TemporaryError when it does not."""
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds and alive():
        try:
            if requests.get(url, timeout=2).status_code == requests.codes.ok:
                return time.monotonic() - begun
        except requests.RequestException:
            pass
        time.sleep(0.05)
    raise TemporaryError(
        f"{url} did not answer within {passed:.0f} s; the lines above or the logs say why",
        reason="not_ready",
    )


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    if alias is None or isinstance(alias, AliasChoices | AliasPath):
        return f"CUEREEL_{name.upper()}"
    return alias


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.absolute()) if isinstance(value, Path) else str(value)


def free_port(host: str, first: int) -> int:
    """Return the first port from *first* on that nothing listens on."""
    for port in range(first, first + 200):
        try:
            ensure_port_is_free(host, port)
        except SettingError:
            continue
        return port
    raise SettingError(f"no port from {first} to {first + 199} is free on {host}")
