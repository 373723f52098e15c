"""
Plays a video as the watch page's player does: the same page, the same beacons, in real time.

The demo uses it to show what a viewer leaves on a record. It speaks to the public endpoint only and
has no way in that a browser has not.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import requests

from connector.errors import TemporaryError
from connector.store.ids import new_id

RATE = 2.0  # as a viewer may who is in a hurry
TICK = 2.0
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
TICKET = re.compile(r'data-ticket="([^"]+)" data-to="([^"]+)"')


@dataclass
class Viewing:
    """One session in front of one video: what was played so far, and what is still to be told."""

    base: str
    ticket: str
    address: str
    duration: float
    http: requests.Session
    id: str = field(default_factory=new_id)
    sequence: int = 0
    segments: list[list[float]] = field(default_factory=list)
    position: float = 0.0
    events: list[dict[str, Any]] = field(default_factory=list)

    def play(self, seconds: float) -> None:
        """Play on for *seconds* of the video, in real time at double speed."""
        start, end = self.position, min(self.duration, self.position + seconds)
        self.segments.append([start, start, RATE])
        if self.sequence == 0:
            self.event("load")
            self.event("play")
        while self.position < end:
            step = min(TICK * RATE, end - self.position)
            time.sleep(step / RATE)
            self.position += step
            self.segments[-1][1] = round(self.position, 2)
            self.tell()

    def seek(self, position: float) -> None:
        """Jump to *position*."""
        self.event("seek")
        self.position = min(max(0.0, position), self.duration)

    def event(self, name: str, cta: str = "") -> None:
        """Note that something happened; the next beacon tells it."""
        at = int(time.time() * 1000)
        self.events.append({"i": new_id(), "n": name, "c": cta, "pos": self.position, "at": at})

    def tell(self) -> None:
        """Send the whole state as one beacon."""
        self.sequence += 1
        beacon = {
            "v": 1, "t": self.ticket, "s": self.id, "q": self.sequence,
            "at": int(time.time() * 1000), "d": self.duration, "r": self.segments,
            "p": round(self.position, 2), "f": {"g": 1, "vis": 1, "inp": 1, "cc": 1},
            "e": self.events[-20:], "k": {"st": 180, "sl": 0, "er": 0},
        }  # fmt: skip
        answer = self._post(json.dumps(beacon))
        if answer.status_code != requests.codes.no_content:
            raise TemporaryError(
                f"the beacon was answered {answer.status_code}: {answer.text[:200]}"
            )

    def _post(self, body: str) -> requests.Response:
        kind = {"Content-Type": "text/plain;charset=UTF-8"}
        try:
            return self.http.post(self.base + self.address, data=body, headers=kind, timeout=10)
        except requests.ConnectionError:
            # as a browser does on a connection that was closed while it rested; a beacon is the
            # whole state, so that saying it twice is saying it once
            return self.http.post(self.base + self.address, data=body, headers=kind, timeout=10)


def open_page(url: str, duration: float) -> Viewing:
    """Open a watch page and sit down in front of it."""
    http = requests.Session()
    http.headers["User-Agent"] = BROWSER
    page = http.get(url, timeout=10)
    found = TICKET.search(page.text)
    if page.status_code != requests.codes.ok or found is None:
        raise TemporaryError(f"the watch page is not ready to play ({page.status_code})")
    base = url.split("/v/")[0]
    return Viewing(base, unescape(found[1]), unescape(found[2]), duration, http)
