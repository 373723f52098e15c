"""
A crowd of viewers: players on connections of their own that tell growing sessions, and remember what
was answered.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from connector.cli.programs import WEB_THREADS
from connector.store.ids import new_id
from connector.store.sessions import SessionRow

CLIENTS = WEB_THREADS
BEACONS = 8  # of one session
DURATION = 60.0
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36"
ACCEPTED = 204
REST_SECONDS = 0.02  # before a player whose connection broke opens another
Segments = list[list[float]]


@dataclass
class Told:
    """What one session's player sent, and the numbers of what was answered with 204."""

    sent: dict[int, Segments] = field(default_factory=dict)
    accepted: list[int] = field(default_factory=list)


@dataclass
class Round:
    """What came of one round: seconds of each answer, how long it took, refusals by status."""

    times: list[float] = field(default_factory=list)
    sessions: dict[str, Told] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    broken: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.times) / self.seconds


def run_round(port: int, path: str, tickets: Sequence[str], seconds: float) -> Round:
    """Have all clients post to *path* for some seconds."""
    result, begun = Round(), time.monotonic()
    threads = [
        threading.Thread(
            target=_client,
            args=(result, port, path, tickets[number::CLIENTS], begun + seconds),
        )
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.seconds = time.monotonic() - begun
    return result


def grow(ticket: str, session: str) -> Iterator[dict[str, Any]]:
    """Yield the beacons of one session: five seconds more each time, and a rewatch in the middle."""
    played: Segments = []
    for number in range(1, BEACONS + 1):
        if number in (1, BEACONS // 2 + 1):
            start = 0.0 if number == 1 else 5.0
            played.append([start, start, 1.0])
        played[-1][1] += 5.0
        yield {
            "v": 1,
            "t": ticket,
            "s": session,
            "q": number,
            "at": int(time.time() * 1000),
            "d": DURATION,
            "r": [list(segment) for segment in played],
            "p": played[-1][1],
            "f": {"g": 1, "m": 0, "fs": 0, "cc": 1, "vis": 1, "wd": 0, "inp": 1, "dnt": 0},
            "e": [{"i": f"{session[:-1]}0", "n": "play", "pos": 0, "at": 0}],
            "k": {"st": 420, "sl": 0, "er": 0},
        }


def count(sessions: Mapping[str, Told], rows: Mapping[str, SessionRow]) -> tuple[int, int]:
    """
    Return how many beacons were accepted, and how many of them the stored sessions hold.

    A beacon is the whole state, so a session holds its own and every earlier one, if it says
    exactly what the player said with that number.
    """
    accepted = stored = 0
    for session, told in sessions.items():
        accepted += len(told.accepted)
        row = rows.get(session)
        if row and row.segments == told.sent.get(row.sequence):
            stored += sum(number <= row.sequence for number in told.accepted)
    return accepted, stored


def _client(result: Round, port: int, path: str, tickets: Sequence[str], until: float) -> None:
    """Tell one session after the other; one whose connection breaks is left as it is."""
    link = _Link(port, path)
    while True:
        for ticket in tickets:
            session = new_id()
            told = result.sessions[session] = Told()
            for beacon in grow(ticket, session):
                if time.monotonic() > until:
                    link.close()
                    return
                if not _tell(result, link, told, beacon):
                    break


def _tell(result: Round, link: _Link, told: Told, beacon: dict[str, Any]) -> bool:
    told.sent[beacon["q"]] = beacon["r"]
    body, begun = json.dumps(beacon).encode(), time.monotonic()
    try:
        status = link.post(body)
    except OSError:
        result.broken += 1
        link.close()
        time.sleep(REST_SECONDS)
        return False
    if status != ACCEPTED:
        result.refused[status] = result.refused.get(status, 0) + 1
        return True
    result.times.append(time.monotonic() - begun)
    told.accepted.append(beacon["q"])
    return True


class _Link:
    """A connection that is kept open; bare, so that the clients cost the server little."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: {AGENT}\r\n"
            "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: "
        ).encode()
        self._socket: socket.socket | None = None

    def post(self, body: bytes) -> int:
        """Post *body* and return the answer's status; OSError where there is no answer."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        answer = b""
        # an answer without a body ends with its head
        while b"\r\n\r\n" not in answer:
            part = self._socket.recv(4096)
            if not part:
                raise ConnectionResetError("the server hung up")
            answer += part
        if b"connection: close" in answer.lower():
            self.close()
        return int(answer.split(b" ", 2)[1])

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
        self._socket = None
