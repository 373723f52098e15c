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
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from ipaddress import IPv6Network, ip_address
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter_adapter import IPFilterAdapter

from connector.errors import MediaError, TemporaryError
from renderers.storyboard import SlotValue
from renderers.template import Template

LARGEST = 15_000_000
TIMEOUTS = (2.0, 5.0)
DEADLINE = 20.0
VET_SECONDS = 30.0
REDIRECTS = 3
PORTS = (None, 443)
BLOCK = 16_384
HANDED_OUT = IPv6Network("2000::/3")
WORTH_ANOTHER_TRY = (408, 425, 429, 500, 502, 503, 504)
BROKEN_OFF = (
    requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError,
)  # fmt: skip
TOO_LARGE = f"the picture is larger than {LARGEST // 1_000_000} MB"


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
    intake = _Intake(assets)
    brought: dict[str, SlotValue | None] = dict(slots)
    for name, kind in template.slots.items():
        value = brought.get(name)
        if value is None:
            continue
        if kind.kind == "image":
            brought[name] = intake.picture(name, value, required=kind.required)
        elif kind.kind == "list":
            rows = [intake.row(name, row) for row in value.value or []]
            brought[name] = SlotValue(rows, value.text)
    return Brought(
        {name: value for name, value in brought.items() if value is not None},
        tuple(dict.fromkeys(intake.missing)),
    )


@dataclass(frozen=True)
class _Intake:
    """The pictures of one video; an address that stands in it twice is asked once."""

    assets: Path
    missing: list[str] = field(default_factory=list)
    asked: dict[str, str | MediaError | TemporaryError] = field(default_factory=dict)

    def row(self, name: str, row: Mapping[str, SlotValue]) -> dict[str, SlotValue]:
        cells = {key: self.picture(name, value, required=False) for key, value in row.items()}
        return {key: value for key, value in cells.items() if value is not None}

    def picture(self, slot: str, value: SlotValue, *, required: bool) -> SlotValue | None:
        if not is_address(value.value):
            return value
        found = self._digest(str(value.value))
        if isinstance(found, str):
            return SlotValue(f"asset:{found}", value.text)
        if required:
            raise type(found)(f"slot {slot!r}: {found.sentence}", reason=found.reason) from found
        self.missing.append(slot)
        return None

    def _digest(self, url: str) -> str | MediaError | TemporaryError:
        if url not in self.asked:
            try:
                self.asked[url] = fetch_picture(url, self.assets)
            except (MediaError, TemporaryError) as error:
                self.asked[url] = error
        return self.asked[url]


def is_address(value: Any) -> bool:
    """Tell whether a slot's value is an address on the web, of any scheme."""
    return isinstance(value, str) and "://" in value[:20]


def fetch_picture(url: str, assets: Path, *, allow_loopback: bool = False) -> str:
    """Return the SHA-256 under which the picture at *url* is kept in *assets* from now on."""
    return _keep(lambda raw: _download(url, raw, allow_loopback=allow_loopback), assets)


def keep_picture(content: bytes, assets: Path) -> str:
    """Vet a picture that we were handed, and return the SHA-256 under which it is kept."""
    return _keep(lambda raw: raw.write_bytes(content), assets)


def _keep(bring: Callable[[Path], object], assets: Path) -> str:
    assets.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=assets, prefix=".incoming-") as folder:
        raw, clean = Path(folder) / "raw", Path(folder) / "clean.png"
        bring(raw)
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
        within(DEADLINE, lambda: _save(url, target, allow_loopback=allow_loopback))
    except TimeoutError as error:
        raise TemporaryError("the picture's server is too slow", reason="media") from error
    except BROKEN_OFF as error:
        raise TemporaryError("the picture's server does not answer", reason="media") from error
    except (requests.RequestException, ValueError) as error:
        # the library's message may quote the address; the class says enough
        raise MediaError(f"the picture is refused ({type(error).__name__})") from error


def within(seconds: float, work: Callable[[], None]) -> None:
    """
    Do *work*, or raise TimeoutError.

    Time limits of sockets begin anew with every byte, so a server that sends one byte at a time
    could hold us for days. The thread that is given up ends with the job's process.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
            done.set_result(None)
        except BaseException as error:  # handed over to the thread that waits
            done.set_exception(error)

    Thread(target=run, name="fetch", daemon=True).start()
    done.result(seconds)


def _save(url: str, target: Path, *, allow_loopback: bool) -> None:
    with safe_session(allow_loopback) as session, _open(session, url) as response:
        _accept(response)
        with target.open("wb") as file:
            for block in _bounded(response):
                file.write(block)


def _open(session: HTTPSession, url: str) -> requests.Response:
    for _ in range(REDIRECTS + 1):
        _check(url)
        response: requests.Response = session.get(url, stream=True)
        if not response.is_redirect:
            return response
        response.close()
        # header lines come as Latin-1, though addresses in them are UTF-8
        url = urljoin(url, response.headers["location"].encode("latin-1").decode())
    raise MediaError(f"the picture's address redirects more than {REDIRECTS} times")


class _Outside(IPFilterAdapter):  # type: ignore[misc]  # the library carries no types
    """The library's filter, and of IPv6 only what is handed out: it lets fec0:: and ::7f00:1 by."""

    def build_connection_pool_key_attributes(self, *args: Any, **options: Any) -> Any:
        host, pool = super().build_connection_pool_key_attributes(*args, **options)
        address = ip_address(host["host"].strip("[]"))
        if address.version == 6 and not address.is_loopback and address not in HANDED_OUT:
            raise MediaError("the picture's address leads inside")
        return host, pool


def safe_session(allow_loopback: bool) -> HTTPSession:
    """Return a session that reaches no private address, checked as it connects, and is not redirected."""
    config = Config(
        ip_filter_enable=True,
        ip_filter_allow_loopback_ips=allow_loopback,
        never_redirect=True,
        default_timeout=TIMEOUTS,
        user_agent_override="Cuereel",
    )
    session = HTTPSession(config)
    session.mount("https://", _Outside(is_https_proto=True, allow_loopback=allow_loopback))
    session.trust_env = False
    # left to itself, the library reads the body of a redirect, however long, to its end
    session.get_redirect_target = lambda _response: None
    session.headers["Accept-Encoding"] = "identity"
    return session


def _accept(response: requests.Response) -> None:
    if response.status_code in WORTH_ANOTHER_TRY:
        raise TemporaryError(f"the picture's server answers {response.status_code}", reason="media")
    if response.status_code != requests.codes.ok:
        raise MediaError(f"the picture's server answers {response.status_code}")
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:12]) > LARGEST:
        raise MediaError(TOO_LARGE)


def _bounded(response: requests.Response) -> Iterator[bytes]:
    begun, size = time.monotonic(), 0
    for block in response.iter_content(BLOCK):
        size += len(block)
        if size > LARGEST:
            raise MediaError(TOO_LARGE)
        if time.monotonic() - begun > DEADLINE:  # nobody waits for it any more
            raise TimeoutError
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
