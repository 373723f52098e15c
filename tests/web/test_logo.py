"""The watch page in the colours and under the logo of whoever sends the video."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from connector.model import VideoStatus
from tests.web.viewing import Viewing

COLOURS = """
[colours]
bg = "#ffffff"
ink = "#101010"
muted = "#505050"
accent = "#0b5cab"
on-accent = "#ffffff"
panel = "#eeeeee"
"""


def png() -> bytes:
    """Return a real picture of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\x0b\x5c\xab")
    parts = chunk(b"IHDR", head), chunk(b"IDAT", pixel), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def brand(viewing: Viewing, name: str, logo: str, content: bytes | None) -> None:
    """Put an own template's brand into the installation."""
    folder: Path = viewing.settings.folder / "templates" / name
    folder.mkdir(parents=True)
    (folder / "brand.toml").write_text(f'name = "Acme & Sons"\nlogo = "{logo}"\n{COLOURS}')
    if content is not None:
        (folder / logo).write_bytes(content)


def test_a_brand_with_a_logo_shows_it(viewing_sqlite: Viewing) -> None:
    """The page names it by address and by name, and the address leads to the picture."""
    brand(viewing_sqlite, "acme", "logo.png", png())
    reel = viewing_sqlite.reel(template="acme")
    page = viewing_sqlite.client.get(reel.path).text
    assert f'<img class="logo" src="{reel.path}/logo" alt="Acme &amp; Sons">' in page
    answer = viewing_sqlite.client.get(f"{reel.path}/logo")
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    assert answer.data == png()


def test_a_page_that_says_sorry_has_the_logo_too(viewing_sqlite: Viewing) -> None:
    """Whoever comes too late still sees whose link it was."""
    brand(viewing_sqlite, "acme", "logo.png", png())
    reel = viewing_sqlite.reel(VideoStatus.EXPIRED, template="acme")
    answer = viewing_sqlite.client.get(reel.path)
    assert answer.status_code == 410
    assert 'class="logo"' in answer.text
    assert viewing_sqlite.client.get(f"{reel.path}/logo").status_code == 200


def test_a_brand_without_a_logo_shows_its_name(viewing_sqlite: Viewing) -> None:
    """Nothing is asked for that is not there."""
    reel = viewing_sqlite.reel()
    assert 'class="logo"' not in viewing_sqlite.client.get(reel.path).text
    assert viewing_sqlite.client.get(f"{reel.path}/logo").status_code == 404


@pytest.mark.parametrize(("logo", "content"), [("logo.svg", b"<svg/>"), ("gone.png", None)])
def test_what_is_no_picture_is_not_sent(
    viewing_sqlite: Viewing, logo: str, content: bytes | None
) -> None:
    """A file that may hold a script, or is not there, is not found."""
    brand(viewing_sqlite, "acme", logo, content)
    reel = viewing_sqlite.reel(template="acme")
    assert viewing_sqlite.client.get(f"{reel.path}/logo").status_code == 404


def test_nobody_without_a_link_sees_a_logo(viewing_sqlite: Viewing) -> None:
    """An address that leads nowhere says nothing about anybody."""
    brand(viewing_sqlite, "acme", "logo.png", png())
    assert viewing_sqlite.client.get(f"/v/{'x' * 24}/logo").status_code == 404
