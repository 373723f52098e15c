"""
The console: pages for people who sign in, served by us and working without JavaScript.
"""

from __future__ import annotations

from flask import Flask

from connector.web.console import (
    connect_salesforce,
    connections,
    contacts,
    engagement,
    people,
    records,
    sign_in,
    videos,
    webhooks,
)
from connector.web.console.door import blueprint

__all__ = [
    "blueprint",
    "connect_salesforce",
    "connections",
    "contacts",
    "engagement",
    "people",
    "records",
    "register",
    "sign_in",
    "videos",
    "webhooks",
]


def register(app: Flask) -> None:
    """Put the console under /console, with its limit on sign-ins."""
    app.register_blueprint(blueprint)
    sign_in.limiter.init_app(app)
