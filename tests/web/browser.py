"""A real browser that looks at a real server, and the films it plays."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from flask import Flask
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from werkzeug.serving import make_server

from tests.web.viewing import CHROME

PATIENCE = 20.0
CAPTIONS = """WEBVTT

00:00.000 --> 00:04.000
Welcome, Ana.

00:04.000 --> 00:12.000
Here is your plan.
"""


def need_browser() -> None:
    """Skip without Chromium, or fail where it is mandatory."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail("Chromium and its driver are needed: apt-get install chromium chromium-driver")
    pytest.skip("Chromium is not installed")


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve an application on the loopback address, on any port or this one; yield its address."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def chromium(*switches: str, driven: bool = False) -> Iterator[webdriver.Chrome]:
    """Open a browser as a person has it, or (*driven*) one that says that software drives it."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for switch in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--mute-audio",
        "--window-size=1280,900",
        *switches,
    ):
        options.add_argument(switch)
    if not driven:
        options.add_argument("--disable-blink-features=AutomationControlled")
        options.add_argument(f"--user-agent={CHROME}")
        options.add_experimental_option("excludeSwitches", ["enable-automation"])
    browser = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        yield browser
    finally:
        browser.quit()


def press(browser: webdriver.Chrome, x: float, y: float) -> None:
    """Click as a mouse does, so that the page sees a person's gesture."""
    for kind, buttons in (("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)):
        browser.execute_cdp_cmd(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1},
        )


def tap(browser: webdriver.Chrome, x: float, y: float) -> None:
    """Touch as a finger does, on a telephone's screen."""
    for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def scroll(browser: webdriver.Chrome, pixels: int) -> None:
    """Turn the mouse's wheel over the page."""
    wheel = {"type": "mouseWheel", "x": 200, "y": 200, "deltaX": 0, "deltaY": pixels}
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", wheel)


def press_on(browser: webdriver.Chrome, selector: str) -> None:
    """Click in the middle of an element."""
    press(browser, *middle(browser, selector))


def middle(browser: webdriver.Chrome, selector: str) -> tuple[float, float]:
    """Bring an element into view; return where its middle is."""
    x, y = browser.execute_script(
        "const e = document.querySelector(arguments[0]); e.scrollIntoView();"
        "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]",
        selector,
    )
    return x, y


def until(found: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until something is found; fail with *what* was waited for."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(0.05)
    pytest.fail(f"waited {patience:.0f} s in vain for {what}")


def position(browser: webdriver.Chrome) -> float:
    """Return where the film stands, in seconds."""
    return float(browser.execute_script("return document.querySelector('video').currentTime"))


def make_film(folder: Path, seconds: int, size: str = "640x360") -> Path:
    """Make a film with sound, a poster, captions and chapters; return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    picture = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}"]
    sound = ["-f", "lavfi", "-i", f"sine=frequency=330:duration={seconds}"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"]
    film = ["-c:a", "aac", "-movflags", "+faststart", str(folder / "video.mp4")]
    subprocess.run([*ffmpeg, *picture, *sound, *codec, *film], check=True)
    subprocess.run([*ffmpeg, *picture, "-frames:v", "1", str(folder / "poster.jpg")], check=True)
    (folder / "captions.vtt").write_text(CAPTIONS)
    (folder / "chapters.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:12.000\nwelcome\n")
    return folder
