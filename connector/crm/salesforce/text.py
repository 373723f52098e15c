"""
HTML of ours as plain text: paragraphs as lines, and of each link the address behind its words.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

BREAKS = frozenset({"p", "br", "div", "li", "ul", "ol", "tr", "h1", "h2", "h3"})
SAFE = ("https://", "http://", "mailto:")


def plain(html: str) -> str:
    """Return the text of *html*; what cannot be seen or typed is left out."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = "".join(c for c in "".join(reader.parts) if c >= " " or c == "\n")
    lines = (re.sub(r"[ \u00a0]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._link = ""
        self._begun = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BREAKS:
            self.parts.append("\n")
        if tag == "a":
            address = dict(attrs).get("href") or ""
            self._link = address if address.startswith(SAFE) else ""
            self._begun = len(self.parts)

    def handle_endtag(self, tag: str) -> None:
        if tag in BREAKS:
            self.parts.append("\n")
        if tag == "a" and self._link:
            words = "".join(self.parts[self._begun :]).strip()
            if words != self._link:
                self.parts.append(f": {self._link}" if words else self._link)
            self._link = ""

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))
