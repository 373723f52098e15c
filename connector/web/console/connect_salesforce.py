"""
Connecting an org of Salesforce: by our app's button, or with an app that the org has made for itself.
"""

from __future__ import annotations

import structlog
from flask import redirect, render_template, request, url_for

from connector.crm.accounts import look_up, need_address, take_in
from connector.decide.dictionary import load_dictionary
from connector.errors import ConnectorError, PayloadError
from connector.store.users import Role
from connector.web.console.door import Page, blueprint, needs, signed_in
from connector.web.desk import desk, surroundings

CRM = "salesforce"
LONGEST_PLACE, LONGEST = 200, 2048
ASKED = {
    "domain": "the org's domain",
    "consumer_key": "the consumer key",
    "consumer_secret": "the consumer secret",
}

log = structlog.get_logger(__name__)


@blueprint.get("/connections/salesforce")
@needs(Role.ADMIN)
def salesforce_form() -> Page:
    """Offer the button, with the org's domain if one was typed, and the form."""
    return _page({"domain": request.args.get("domain", "")[:LONGEST_PLACE]})


@blueprint.post("/connections/salesforce")
@needs(Role.ADMIN)
def connect_salesforce() -> Page:
    """Connect the org whose app the form names; a mistake is told beside it."""
    try:
        return _connected(_given())
    except ConnectorError as error:
        log.warning("not connected", crm=CRM, reason=error.reason)
        return _page(request.form.to_dict(), error.sentence)


def _connected(given: dict[str, str]) -> Page:
    here = desk()
    need_address(here.settings, CRM)
    account = look_up(here.settings, CRM, given)
    around = surroundings(here, load_dictionary(CRM, here.settings.mapping_folders))
    take_in(around, CRM, account, signed_in().email)
    log.info("connected", crm=CRM, connection=account.id)
    shown = url_for("console.connection_page", connection_id=account.id, welcome=1)
    return redirect(shown, 303)


def _given() -> dict[str, str]:
    given = {name: request.form.get(name, "").strip() for name in ASKED}
    missing = [ASKED[name] for name, text in given.items() if not text]
    if missing:
        raise PayloadError(f"{', '.join(missing)} must be filled in")
    if any(len(text) > LONGEST or not text.isprintable() for text in given.values()):
        raise PayloadError("domain, key and secret are one line each")
    return given


def _page(typed: dict[str, str], complaint: str = "") -> str:
    settings = desk().settings
    return render_template(
        "console/connect_salesforce.html",
        # never the secret
        domain=typed.get("domain", ""),
        key=typed.get("consumer_key", ""),
        complaint=complaint,
        has_app=bool(settings.salesforce_client_id),
        place=request.args.get("at", "").strip()[:LONGEST_PLACE],
        back=f"{settings.base_url}/oauth/{CRM}/callback",
    )
