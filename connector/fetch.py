"""
The one door for media from outside.

An address in a record may point anywhere, so: https only, no private address (checked after DNS and
on every redirect, with the checked address pinned), limits on size and time, the real type sniffed,
and the picture decoded in a limited child process. What passes is kept by the hash of its content
under `assets/`, and only that is handed on.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests_hardened import Config, HTTPSession

from connector.errors import MediaError, TemporaryError
from renderers.storyboard import SlotValue
from renderers.template import Template

LARGEST = 15_000_000
TIMEOUTS = (2.0, 5.0)
DEADLINE = 20.0
VET_SECONDS = 30.0
REDIRECTS = 3
PORTS = (None, 443)


@dataclass(frozen=True)
class Brought:
    """Slots whose pictures are all our own files now, and those that had to do without."""

    slots: Mapping[str, SlotValue]
    missing: tuple[str, ...]


def bring_in(slots: Mapping[str, SlotValue], template: Template, assets: Path) -> Brought:
    """
    Replace every picture's address by `asset:<sha256>`.

    A picture that cannot be had empties an optional slot; MediaError where the slot is required,
    TemporaryError where trying again may help.
    """
    missing: list[str] = []
    brought: dict[str, SlotValue | None] = dict(slots)
    for name, kind in template.slots.items():
        value = brought.get(name)
        if value is None:
            continue
        if kind.kind == "image":
            brought[name] = _picture(name, value, assets, missing, required=kind.required)
        elif kind.kind == "list":
            brought[name] = SlotValue(
                [_row(name, row, assets, missing) for row in value.value or []], value.text
            )
    return Brought(
        {name: value for name, value in brought.items() if value is not None},
        tuple(dict.fromkeys(missing)),
    )


def _row(
    name: str, row: Mapping[str, SlotValue], assets: Path, missing: list[str]
) -> dict[str, SlotValue]:
    pictures = {
        key: _picture(name, value, assets, missing, required=False)
        for key, value in row.items()
        if is_address(value.value)
    }
    return {key: value for key, value in {**row, **pictures}.items() if value is not None}


def _picture(
    slot: str, value: SlotValue, assets: Path, missing: list[str], *, required: bool
) -> SlotValue | None:
    if not is_address(value.value):
        return value
    try:
        return SlotValue(f"asset:{fetch_picture(str(value.value), assets)}", value.text)
    except (MediaError, TemporaryError) as error:
        if required:
            raise type(error)(f"slot {slot!r}: {error.sentence}", reason=error.reason) from error
        missing.append(slot)
        return None


def is_address(value: Any) -> bool:
    """Tell whether a slot's value is an address on the web, of any scheme."""
    return isinstance(value, str) and "://" in value[:20]


def fetch_picture(url: str, assets: Path, *, allow_loopback: bool = False) -> str:
    """Return the SHA-256 under which the picture at *url* is kept in *assets* from now on."""
    _check(url)
    assets.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=assets, prefix=".incoming-") as folder:
        raw, clean = Path(folder) / "raw", Path(folder) / "clean.png"
        _download(url, raw, allow_loopback=allow_loopback)
        _vet(raw, clean)
        digest = hashlib.sha256(clean.read_bytes()).hexdigest()
        clean.replace(assets / f"{digest}.png")
    return digest


def keep_picture(content: bytes, assets: Path) -> str:
    """Vet a picture that we were handed, and return the SHA-256 under which it is kept."""
    assets.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=assets, prefix=".incoming-") as folder:
        raw, clean = Path(folder) / "raw", Path(folder) / "clean.png"
        raw.write_bytes(content)
        _vet(raw, clean)
        digest = hashlib.sha256(clean.read_bytes()).hexdigest()
        clean.replace(assets / f"{digest}.png")
    return digest


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise MediaError("the picture's address cannot be read") from error
    if parts.scheme != "https" or not parts.hostname:
        raise MediaError("pictures are only fetched from https addresses")
    if port not in PORTS or parts.username is not None:
        raise MediaError("a picture's address may name neither a port nor a user")


def _download(url: str, target: Path, *, allow_loopback: bool) -> None:
    try:
        with _session(allow_loopback) as session, session.get(url, stream=True) as response:
            _accept(response)
            with target.open("wb") as file:
                for block in _bounded(response):
                    file.write(block)
    except (requests.Timeout, requests.ConnectionError) as error:
        raise TemporaryError("the picture's server does not answer", reason="media") from error
    except requests.RequestException as error:
        # the library's message may quote the address; the class says enough
        raise MediaError(f"the picture is refused ({type(error).__name__})") from error


def _session(allow_loopback: bool) -> HTTPSession:
    config = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=allow_loopback,
        never_redirect=False,
        default_timeout=TIMEOUTS,
        user_agent_override="Cuereel",
    )
    session = HTTPSession(config)
    session.trust_env = False
    session.max_redirects = REDIRECTS
    session.hooks["response"].append(_check_redirect)
    return session


def _check_redirect(response: requests.Response, **_options: Any) -> None:
    target = response.headers.get("location")
    if response.is_redirect and target and "://" in target:
        _check(target)


def _accept(response: requests.Response) -> None:
    if response.status_code in (429, 500, 502, 503, 504):
        raise TemporaryError(f"the picture's server answers {response.status_code}", reason="media")
    if response.status_code != requests.codes.ok:
        raise MediaError(f"the picture's server answers {response.status_code}")
    if int(response.headers.get("content-length") or 0) > LARGEST:
        raise MediaError(f"the picture is larger than {LARGEST // 1_000_000} MB")


def _bounded(response: requests.Response) -> Iterator[bytes]:
    begun, size = time.monotonic(), 0
    for block in response.iter_content(65_536):
        size += len(block)
        if size > LARGEST:
            raise MediaError(f"the picture is larger than {LARGEST // 1_000_000} MB")
        if time.monotonic() - begun > DEADLINE:
            raise TemporaryError("the picture's server is too slow", reason="media")
        yield block


def _vet(raw: Path, clean: Path) -> None:
    command = [sys.executable, "-m", "renderers.vet", str(raw), str(clean)]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=VET_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise MediaError("the picture takes too long to decode") from error
    if done.returncode or not clean.exists():
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if done.returncode == 1 and said else "its decoder gave up"
        raise MediaError(f"the picture cannot be used: {why}")
