"""The door for media: whatever address a record holds, nothing of ours is reached or harmed."""

from __future__ import annotations

import io
import resource
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from connector import fetch
from connector.errors import MediaError, TemporaryError
from connector.fetch import bring_in, fetch_picture, is_address, keep_picture
from renderers.storyboard import SlotValue
from renderers.template import Template
from tests.https_server import (
    HOST,
    Server,
    dripping_body,
    dripping_head,
    endless,
    picture,
    redirect,
    serve,
)
from tests.renderers.conftest import write_template
from tests.renderers.samples import WriteTemplate, picture_bytes

__all__ = ["write_template"]  # a fixture

PNG = picture_bytes()
OTHER = picture_bytes(colour="#0022cc")
URL = "https://cdn.example.com/lamp.png"
REAL_GETADDRINFO = socket.getaddrinfo
PUBLIC, LOOPBACK = "93.184.216.34", "127.0.0.1"


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """Where pictures are kept; the door makes it."""
    return tmp_path / "home" / "assets"


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    """A web that answers what the test says, and nothing else."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return (image.width, image.height)


# ---- addresses

REFUSED = [
    "https://127.0.0.1/a.png", "https://127.1/a.png", "https://0x7f000001/a.png",
    "https://2130706433/a.png", "https://0177.0.0.1/a.png", "https://0/a.png",
    "https://[::1]/a.png", "https://[::]/a.png", "https://[::ffff:127.0.0.1]/a.png",
    "https://[::127.0.0.1]/a.png", "https://10.0.0.8/a.png", "https://192.168.1.1/a.png",
    "https://172.16.0.1/a.png", "https://100.64.0.1/a.png", "https://169.254.169.254/latest/",
    "https://[fe80::1]/a.png", "https://[fd00:ec2::254]/a.png", "https://[fec0::1]/a.png",
    "https://[64:ff9b::7f00:1]/a.png", "https://[2002:7f00:1::]/a.png",
    "https://224.0.0.1/a.png", "https://255.255.255.255/a.png", "https://localhost/a.png",
    "http://93.184.216.34/a.png", "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO",
    "ftp://93.184.216.34/a.png", "dict://127.0.0.1:11211/", "data:image/png;base64,AAAA",
    "jar:https://93.184.216.34!/a.png", "https://user@93.184.216.34/a.png",
    "https://93.184.216.34@127.0.0.1/a.png", "https://:@93.184.216.34/a.png",
    "https://93.184.216.34\\@127.0.0.1/a.png", "https://93.184.216.34:8443/a.png",
    "https://93.184.216.34:22/", "https://93.184.216.34:99999/", "https://93.184.216.34:x/",
    "https://[::1/a.png", "https://", "https:///a.png", "https://?x", "//127.0.0.1/a.png", "",
    "https://" + "a" * 70 + ".example/", "https://a..example/", "https://\x00.example/",
]  # fmt: skip


class Network:
    """A resolver that says what a test wants, and a record of who was connected to."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers, self.resolved = answers, list[str]()
        self.connected: list[str] = []
        self._real = REAL_GETADDRINFO

    def resolve(self, host: str, port: int, *args: Any, **options: Any) -> Any:
        if host not in self.answers:  # a literal address; nobody outside is asked for a name
            options["flags"] = socket.AI_NUMERICHOST
            return self._real(host, port, *args, **options)
        self.resolved.append(host)
        found = self.answers[host]
        address = found.pop(0) if len(found) > 1 else found[0]
        return self._real(address, port, *args, **options)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, list[str]]], Network]:
    """Let names resolve as the test says, and refuse every connection."""

    def use(answers: dict[str, list[str]]) -> Network:
        found = Network(answers)

        def refuse(_socket: socket.socket, address: tuple[str, int]) -> None:
            found.connected.append(address[0])
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "getaddrinfo", found.resolve)
        monkeypatch.setattr(socket.socket, "connect", refuse)
        return found

    return use


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_leads_inside_or_is_no_https_is_refused_unasked(
    url: str, network: Callable[[dict[str, list[str]]], Network], assets: Path
) -> None:
    """Nothing is connected to, whichever way the address is written."""
    found = network({"localhost": [LOOPBACK]})
    with pytest.raises(MediaError) as caught:
        fetch_picture(url, assets)
    assert caught.value.reason == "media"
    assert found.connected == []
    assert list(assets.iterdir()) == []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(max_size=40)
    | st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["https://", "https:", "HTTPS:///", "//", "https://x@", "https://["]),
        st.sampled_from(["127.0.0.1", "::1", "0x7f.1", "１２７.0.0.1", "10.0.0.1", "017700000001"]),
        st.sampled_from(["", "]", ":443", ":0443", ":8443", "\\", "%00", "%2e"]),
        st.text("/?#@\\:.a[]% \t\r\n\x00é", max_size=8),
    )
)
def test_whatever_a_record_holds_nothing_inside_is_reached(
    network: Callable[[dict[str, list[str]]], Network], assets: Path, text: str
) -> None:
    """It is refused, or at most a name that nobody knows."""
    found = network({"localhost": [LOOPBACK]})
    with pytest.raises((MediaError, TemporaryError)):
        fetch_picture(text, assets)
    assert found.connected == []


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    network: Callable[[dict[str, list[str]]], Network], assets: Path
) -> None:
    """A name that turns private between check and use gains nothing: it is resolved once."""
    found = network({"rebind.example": [PUBLIC, LOOPBACK]})
    with pytest.raises(TemporaryError):
        fetch_picture("https://rebind.example/a.png", assets)
    assert found.connected == [PUBLIC]
    assert found.resolved == ["rebind.example"]
    with pytest.raises(MediaError):
        fetch_picture("https://rebind.example/a.png", assets)
    assert found.connected == [PUBLIC]


@pytest.mark.parametrize("inside", [LOOPBACK, "169.254.169.254", "10.1.2.3", "::1", "fec0::1"])
def test_a_name_that_leads_inside_is_refused(
    inside: str, network: Callable[[dict[str, list[str]]], Network], assets: Path
) -> None:
    """The address behind the name counts."""
    found = network({"inside.example": [inside]})
    with pytest.raises(MediaError):
        fetch_picture("https://inside.example/a.png", assets)
    assert found.connected == []


def test_a_public_address_is_asked_whatever_its_family(
    network: Callable[[dict[str, list[str]]], Network], assets: Path
) -> None:
    """The filter is no wall: outside is outside in IPv4 and IPv6."""
    found = network({"old.example": [PUBLIC], "new.example": ["2606:4700::1111"]})
    for name in found.answers:
        with pytest.raises(TemporaryError):
            fetch_picture(f"https://{name}/a.png", assets)
    assert found.connected == [PUBLIC, "2606:4700::1111"]


def test_a_name_that_nobody_knows_may_be_known_later(
    assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver itself may be what fails."""

    def unknown(*_args: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(TemporaryError):
        fetch_picture(URL, assets)


# ---- redirects


def test_a_redirect_is_followed_also_a_relative_one(
    web: responses.RequestsMock, assets: Path
) -> None:
    """As a shop's CDN answers."""
    web.get(URL, status=301, headers={"location": "/b/lamp.png"})
    web.get("https://cdn.example.com/b/lamp.png", status=307, headers={"location": "//b.example/c"})
    web.get("https://b.example/c", body=PNG)
    digest = fetch_picture(URL, assets)
    assert size_of(assets / f"{digest}.png") == (8, 8)


@pytest.mark.parametrize(
    "target",
    [
        "http://cdn.example.com/b.png", "//cdn.example.com:8443/b.png", "file:///etc/passwd",
        "https://me@cdn.example.com/b.png", "gopher://x/", "//me@cdn.example.com/", "https://[::1",
        "https://cdn.example.com:22/", "\xff\xfe://x",
    ],
)  # fmt: skip
def test_each_hop_must_be_https_on_its_own_port(
    target: str, web: responses.RequestsMock, assets: Path
) -> None:
    """The second address is as little trusted as the first."""
    web.get(URL, status=302, headers={"location": target})
    for other in ("http://cdn.example.com/b.png", "https://cdn.example.com:8443/b.png"):
        web.get(other, body=PNG)
    with pytest.raises(MediaError):
        fetch_picture(URL, assets)
    assert [call.request.url for call in web.calls] == [URL]


def test_a_redirect_loop_ends(web: responses.RequestsMock, assets: Path) -> None:
    """After three hops."""
    web.get(URL, status=302, headers={"location": URL})
    with pytest.raises(MediaError, match="more than 3 times"):
        fetch_picture(URL, assets)
    assert len(web.calls) == 4


# ---- answers


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418, 204, 206, 304])
def test_no_picture_there_is_final(status: int, web: responses.RequestsMock, assets: Path) -> None:
    """To ask again would change nothing."""
    web.get(URL, status=status)
    with pytest.raises(MediaError, match=str(status)) as caught:
        fetch_picture(URL, assets)
    assert caught.value.reason == "media"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again_later(
    status: int, web: responses.RequestsMock, assets: Path
) -> None:
    """The video waits for a required picture."""
    web.get(URL, status=status)
    with pytest.raises(TemporaryError, match=str(status)):
        fetch_picture(URL, assets)


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectTimeout(), requests.ReadTimeout(), requests.ConnectionError(),
        requests.exceptions.ChunkedEncodingError(),
    ],
)  # fmt: skip
def test_a_broken_line_is_tried_again_later(
    error: Exception, web: responses.RequestsMock, assets: Path
) -> None:
    """Also one that breaks in the middle."""
    web.get(URL, body=error)
    with pytest.raises(TemporaryError, match="does not answer"):
        fetch_picture(URL, assets)


def test_what_the_library_says_of_an_address_is_not_passed_on(
    web: responses.RequestsMock, assets: Path
) -> None:
    """An address may hold a signature."""
    web.get(URL, body=requests.exceptions.InvalidURL("https://x/?signature=s3cret"))
    with pytest.raises(MediaError) as caught:
        fetch_picture(URL, assets)
    assert "s3cret" not in caught.value.sentence


@pytest.mark.parametrize("length", ["15000001", "9" * 40])
def test_a_file_that_is_announced_as_too_large_is_not_read(
    length: str, web: responses.RequestsMock, assets: Path
) -> None:
    """The header is enough."""
    web.get(URL, body=PNG, headers={"content-length": length}, auto_calculate_content_length=False)
    with pytest.raises(MediaError, match="larger than 15 MB"):
        fetch_picture(URL, assets)


@pytest.mark.parametrize("length", ["many", "-1", "", "²"])
def test_a_senseless_length_is_no_length(
    length: str, web: responses.RequestsMock, assets: Path
) -> None:
    """What is read is counted anyway."""
    web.get(URL, body=PNG, headers={"content-length": length}, auto_calculate_content_length=False)
    assert fetch_picture(URL, assets)


# ---- a real server


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server behind a name that leads to loopback, with a certificate that is trusted here."""
    real = socket.getaddrinfo

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        return real(LOOPBACK if host == HOST else host, *args, **options)

    with serve(tmp_path) as (found, certificate):
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(certificate))
        monkeypatch.setattr(fetch, "PORTS", (None, 443, found.port))
        yield found


def fetch_from(server: Server, path: str, assets: Path) -> str:
    return fetch_picture(server.url(path), assets, allow_loopback=True)


def test_a_picture_comes_over_a_verified_connection(server: Server, assets: Path) -> None:
    """The certificate is checked against the name, though the checked address is connected to."""
    server.answers["/a"] = picture(PNG)
    server.answers["/b"] = redirect("/a")
    assert fetch_from(server, "/b", assets) == keep_picture(PNG, assets)
    assert server.asked == ["/b", "/a"]


def test_loopback_is_refused_unless_it_is_allowed(server: Server, assets: Path) -> None:
    """Values of records never allow it."""
    with pytest.raises(MediaError):
        fetch_picture(server.url("/a"), assets)
    assert server.asked == []


def test_a_certificate_that_nobody_vouches_for_brings_no_picture(
    server: Server, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual authorities do not know this one."""
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", certifi.where())
    with pytest.raises(TemporaryError):
        fetch_from(server, "/a", assets)
    assert server.asked == []


@pytest.mark.parametrize("inside", ["169.254.169.254", "10.0.0.1", "[::ffff:10.0.0.1]"])
def test_a_redirect_to_an_inner_address_is_refused(
    inside: str, server: Server, assets: Path
) -> None:
    """The cloud's own metadata is the usual target."""
    server.answers["/a"] = redirect(f"https://{inside}/latest/meta-data/")
    with pytest.raises(MediaError, match="InvalidIPAddress"):
        fetch_from(server, "/a", assets)


def test_an_endless_file_is_cut_off(
    server: Server, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read is counted while it is read."""
    monkeypatch.setattr(fetch, "LARGEST", 500_000)
    server.answers["/a"] = endless
    with pytest.raises(MediaError, match="larger than"):
        fetch_from(server, "/a", assets)
    assert list(assets.iterdir()) == []


def test_the_body_of_a_redirect_is_not_read(server: Server, assets: Path) -> None:
    """It may be endless, and no limit would be looked at."""
    server.answers["/a"] = redirect("/b", body=endless)
    server.answers["/b"] = picture(PNG)
    assert fetch_from(server, "/a", assets)


@pytest.mark.parametrize("dripping", [dripping_body, dripping_head])
def test_a_server_that_drips_is_given_up_in_time(
    dripping: Callable[[Any], None],
    server: Server,
    assets: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each byte is in time; the whole is not."""
    monkeypatch.setattr(fetch, "DEADLINE", 0.4)
    server.answers["/a"] = dripping
    begun = time.monotonic()
    with pytest.raises(TemporaryError, match="too slow"):
        fetch_from(server, "/a", assets)
    assert time.monotonic() - begun < 3


def test_a_file_that_ends_too_early_is_asked_for_again(server: Server, assets: Path) -> None:
    """The line broke; half a picture is not kept."""
    server.answers["/a"] = picture(PNG, claimed=len(PNG) + 100)
    with pytest.raises(TemporaryError):
        fetch_from(server, "/a", assets)
    assert list(assets.iterdir()) == []


# ---- content


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def bomb(side: int) -> bytes:
    """Make a PNG of a few hundred kilobytes that would become gigabytes of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(1 + side // 8)) for _ in range(side)) + rows.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"".join([
        b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), chunk(b"IDAT", packed), chunk(b"IEND", b""),
    ])  # fmt: skip


NO_PICTURES = {
    "html": b"<!doctype html><title>Sign in</title>" + b" " * 2_000,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    "playlist": b"#EXTM3U\nhttp://169.254.169.254/\n",
    "nothing": b"",
    "cut off": PNG[: len(PNG) // 2],
    "only a head": PNG[:8] + bytes(400),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "bomb": bomb(30_000),
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_is_no_whole_picture_is_refused(
    name: str, web: responses.RequestsMock, assets: Path
) -> None:
    """Whatever its name and its content type say; nothing of it is kept."""
    web.get(URL, body=NO_PICTURES[name], content_type="image/png")
    with pytest.raises(MediaError, match="cannot be used"):
        fetch_picture(URL, assets)
    assert list(assets.iterdir()) == []


def test_a_bomb_does_no_harm(assets: Path) -> None:
    """Its size is read before its pixels, in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with pytest.raises(MediaError, match="30000x30000 pixels"):
        keep_picture(NO_PICTURES["bomb"], assets)
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert after - before < 600_000  # kilobytes; the pixels alone would be 3.6 GB


def test_an_animated_picture_stands_still(assets: Path) -> None:
    """Its first frame is kept."""
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("#ff0000", "#0000ff")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    kept = assets / f"{keep_picture(gif, assets)}.png"
    with Image.open(kept) as image:
        assert getattr(image, "n_frames", 1) == 1
        red, _green, blue = image.convert("RGB").getpixel((5, 5))
    assert red > 200 > 60 > blue


@pytest.mark.parametrize(
    ("given", "kept"), [((5000, 2500), (2048, 1024)), ((3, 4096), (2, 2048)), ((64, 48), (64, 48))]
)
def test_a_huge_picture_is_made_smaller(
    given: tuple[int, int], kept: tuple[int, int], assets: Path
) -> None:
    """No side is longer than 2048 pixels, and its shape stays."""
    jpeg = encoded(Image.new("RGB", given, "#336699"), "JPEG")
    assert size_of(assets / f"{keep_picture(jpeg, assets)}.png") == kept


def test_what_a_camera_wrote_into_a_picture_is_left_behind(assets: Path) -> None:
    """A place or a name in EXIF is nobody's business."""
    exif = Image.Exif()
    exif[0x010E] = "at home, 52.52 N 13.40 E"
    jpeg = encoded(Image.new("RGB", (20, 20), "#336699"), "JPEG", exif=exif)
    assert b"at home" in jpeg
    assert b"at home" not in (assets / f"{keep_picture(jpeg, assets)}.png").read_bytes()


# ---- the pictures of a video

CART = """
title = "Cart"
fps = 10
[slots.hero]
kind = "image"
{hero}
[slots.note]
kind = "text"
[slots.items]
kind = "list"
item.title = {{ kind = "text" }}
item.picture = {{ kind = "image" }}
[[scenes]]
name = "one"
seconds = 1
[[scenes.layers]]
kind = "list"
rows = "items"
picture = "picture"
[[scenes.layers]]
kind = "image"
source = "{{{{ hero }}}}"
"""


@pytest.fixture
def cart(write_template: WriteTemplate) -> Template:
    """A template with an optional picture and a list of things with pictures."""
    return write_template(CART.format(hero=""))


def row(title: str, url: str) -> dict[str, SlotValue]:
    return {"title": SlotValue(title, title), "picture": SlotValue(url)}


def test_every_picture_becomes_one_of_ours(
    web: responses.RequestsMock, assets: Path, cart: Template
) -> None:
    """Renderers are only handed stored files; other values stay as they are."""
    web.get(URL, body=PNG)
    web.get(f"{URL}?2", body=OTHER)
    note = SlotValue("https://example.com", "https://example.com")
    slots = {
        "hero": SlotValue(URL),
        "note": note,
        "items": SlotValue([row("Lamp", f"{URL}?2"), row("Chair", "asset:" + "ab" * 32)]),
    }
    brought = bring_in(slots, cart, assets)
    first, second = brought.slots["items"].value
    assert brought.missing == ()
    assert brought.slots["note"] == note
    assert brought.slots["hero"].value == f"asset:{keep_picture(PNG, assets)}"
    assert first == row("Lamp", f"asset:{keep_picture(OTHER, assets)}")
    assert second == row("Chair", "asset:" + "ab" * 32)


def test_the_same_picture_is_asked_for_and_kept_once(
    web: responses.RequestsMock, assets: Path, cart: Template
) -> None:
    """Two rows and the hero show it; another address with the same bytes makes no second file."""
    web.get(URL, body=PNG)
    web.get(f"{URL}?2", body=PNG)
    items = [row("Lamp", URL), row("Lamp again", URL), row("Same lamp", f"{URL}?2")]
    bring_in({"hero": SlotValue(URL), "items": SlotValue(items)}, cart, assets)
    assert [call.request.url for call in web.calls] == [URL, f"{URL}?2"]
    assert len(list(assets.iterdir())) == 1


@pytest.mark.parametrize("status", [404, 503])
def test_a_picture_that_cannot_be_had_leaves_its_place_empty(
    status: int, web: responses.RequestsMock, assets: Path, cart: Template
) -> None:
    """The video is made without it, and says so; a row keeps its other fields."""
    web.get(URL, status=status)
    slots = {
        "hero": SlotValue("http://127.0.0.1/a.png"),
        "items": SlotValue([row("Lamp", URL), row("Chair", URL)]),
    }
    brought = bring_in(slots, cart, assets)
    assert brought.missing == ("hero", "items")
    assert dict(brought.slots) == {
        "items": SlotValue([
            {"title": SlotValue("Lamp", "Lamp")}, {"title": SlotValue("Chair", "Chair")},
        ]),
    }  # fmt: skip
    assert len(web.calls) == 1


@pytest.mark.parametrize(("status", "error"), [(404, MediaError), (503, TemporaryError)])
def test_a_required_picture_that_cannot_be_had_stops_the_video(
    status: int,
    error: type[MediaError | TemporaryError],
    web: responses.RequestsMock,
    assets: Path,
    write_template: WriteTemplate,
) -> None:
    """The slot is named, and whether to try again is told by the class."""
    web.get(URL, status=status)
    needed = write_template(CART.format(hero="required = true"))
    with pytest.raises(error, match="slot 'hero'"):
        bring_in({"hero": SlotValue(URL)}, needed, assets)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (URL, True), ("ftp://x/y", True), ("asset:" + "ab" * 32, False), ("pictures/a.png", False),
        (None, False), (7, False), ([], False),
    ],
)  # fmt: skip
def test_addresses_are_told_from_our_own_files(value: Any, address: bool) -> None:
    """Of any scheme: the wrong ones are refused at the door, not handed on."""
    assert is_address(value) == address
