"""
A video as a piece of an e-mail: the poster with a link around it, and the same as plain text.

A table of a fixed width that shrinks, sizes as attributes and nothing in style sheets, because mail
programs drop those. Everything that is not ours is escaped.
"""

from __future__ import annotations

from markupsafe import Markup

from connector.web.phrases import Language

WIDTH = 600  # pixels; what every mail program shows without scrolling

FRAME = Markup(
    '<table role="presentation" width="{width}" cellpadding="0" cellspacing="0" border="0"'
    ' lang="{lang}" dir="{direction}" style="width:100%;max-width:{width}px">{rows}</table>'
)
POSTER = Markup(
    '<tr><td><a href="{link}" target="_blank" rel="noopener"><img src="{thumbnail}"'
    ' width="{width}" alt="{title}" border="0"'
    ' style="display:block;width:100%;height:auto;border:0"></a></td></tr>'
)
LINE = Markup(
    '<tr><td style="padding:12px 0;font-family:Arial,Helvetica,sans-serif;font-size:16px">'
    '<a href="{link}" target="_blank" rel="noopener">&#9654; {play}</a></td></tr>'
)


def email_html(language: Language, name: str, link: str, thumbnail: str) -> str:
    """Return the HTML; without a *thumbnail* it is the link alone."""
    words = {"title": title_of(language, name), "play": language.phrases["play"]}
    rows = LINE.format(link=link, **words)
    if thumbnail:
        rows = POSTER.format(link=link, thumbnail=thumbnail, width=WIDTH, **words) + rows
    return str(
        FRAME.format(width=WIDTH, lang=language.tag, direction=language.direction, rows=rows)
    )


def email_text(language: Language, name: str, link: str) -> str:
    """Return the same for an e-mail without HTML."""
    return f"{title_of(language, name)}: {link}"


def title_of(language: Language, name: str) -> str:
    """Say for whom the video is, in the language that it is spoken in."""
    # a name with a line break could pretend to be another line of the e-mail
    plain = " ".join(name.split())
    return language.phrases["for_name"].format(name=plain) if plain else language.phrases["for_you"]
