"""
A video as a piece of an e-mail, on the pages for reps and on a CRM's card: picture, link, plain text.

Made for the editors of Gmail, Outlook and the CRMs: a table of a fixed width, inline styles only,
small enough that no mail program clips it, and a link in words beneath for whoever sees no pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from connector.web.phrases import Language
from connector.web.screens import View

WIDTH = 480  # pixels; the file has twice as many
# the button is part of the picture, as mail programs lay nothing over one; a GIF begins with it too
PICTURES = {"still": ("poster-play.jpg", "poster.jpg"), "moving": ("preview.gif",)}

FRAME = Markup(
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0" width="{width}"'
    ' lang="{lang}" dir="{direction}" style="width:100%;max-width:{width}px">{rows}</table>'
)
PICTURE = Markup(
    '<tr><td><a href="{link}" target="_blank" rel="noopener" style="text-decoration:none">'
    '<img src="{source}" width="{width}" height="{height}" alt="{alt}" border="0"'
    ' style="display:block;width:100%;max-width:{width}px;height:auto;border:0;border-radius:8px">'
    "</a></td></tr>"
)
LINE = Markup(
    '<tr><td style="padding-top:8px;font:16px/24px Arial,Helvetica,sans-serif">'
    '<a href="{link}" target="_blank" rel="noopener">&#9654; {play}{length}</a></td></tr>'
)


@dataclass(frozen=True)
class Copy:
    """What goes on the clipboard, for e-mails with HTML and for those without."""

    html: str
    text: str


def copies_of(view: View, link: str) -> dict[str, Copy]:
    """Return the copies of a video by picture: `still`, `moving` where there is one, or `none`."""
    sources = {
        picture: f"{link}/{name}"
        for picture, names in PICTURES.items()
        if (name := next((one for one in names if one in view.files), ""))
    }
    if not view.film or not sources:
        sources = {"none": ""}
    text = f"{_title(view)}: {link}"
    return {picture: Copy(_html(view, link, src), text) for picture, src in sources.items()}


def _html(view: View, link: str, source: str) -> str:
    play = view.language.phrases["play"]
    rows = LINE.format(link=link, play=play, length=_length(view))
    if source:
        height = round(WIDTH * view.height / view.width)
        alt = f"{_title(view)}. {play}"
        rows = PICTURE.format(link=link, source=source, width=WIDTH, height=height, alt=alt) + rows
    language = view.language
    return str(
        FRAME.format(width=WIDTH, lang=language.tag, direction=language.direction, rows=rows)
    )


def _title(view: View) -> str:
    return _said(view.language, view.first_name) + _length(view)


def _said(language: Language, name: str) -> str:
    """Say for whom the video is, in the language that it is spoken in."""
    # a name with a line break could pretend to be another line of the e-mail
    plain = " ".join(name.split())
    return language.phrases["for_name"].format(name=plain) if plain else language.phrases["for_you"]


def _length(view: View) -> str:
    return f" ({view.length})" if view.length else ""
