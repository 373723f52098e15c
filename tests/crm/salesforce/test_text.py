"""HTML of ours as the plain text of a task."""

from __future__ import annotations

import pytest

from connector.crm.salesforce.text import plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two &amp; three</p>", "One\nTwo & three"),
        ('<a href="https://v/1">The video</a>', "The video: https://v/1"),
        ('<a href="https://v/1">https://v/1</a>', "https://v/1"),
        ('<a href="https://v/1"><img src="x"></a>', "https://v/1"),
        ('<a href="javascript:alert(1)">Click</a>', "Click"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>x</li><li>y</li></ul>", "x\ny"),
        ("5 &lt; 6 and 6 > 5", "5 < 6 and 6 > 5"),
        ("  spaced \n  out\t\x00\x07 ", "spaced out"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    """A task shows its text as it is, so no markup is left in it."""
    assert plain(html) == text
