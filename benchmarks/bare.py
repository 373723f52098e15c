"""
What intake is compared with: a Flask view that commits one row to the same kind of database.
"""

from __future__ import annotations

from flask import Flask, Response, request

from connector.settings import load_settings
from connector.store import Store
from connector.store.clock import now_ms
from connector.store.ids import new_id
from connector.store.tables import attempts


def create_app() -> Flask:
    """Return an application with one view that stores the length of what was posted."""
    app = Flask(__name__)
    store = Store(load_settings().database)

    @app.post("/")
    def keep() -> Response:
        body = request.get_data(cache=False)
        with store.write() as tx:
            tx.execute(
                attempts.insert().values(
                    id=new_id(),
                    noun="bare",
                    row_id="",
                    at=now_ms(),
                    reason="",
                    sentence=str(len(body)),
                )
            )
        return Response(status=202)

    return app
