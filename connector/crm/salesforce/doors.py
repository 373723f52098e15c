"""
Our app as Salesforce knows it: the page on which an admin lets us in, and the code that comes back.

Orgs tell what happens to addresses of their own connections, so the app itself has no door. What
lets in is the web server flow, with PKCE and the app's secret (salesforce.md §1.2).
"""

from __future__ import annotations

from urllib.parse import urlencode

from connector.crm import Account, App, Surroundings, Taken
from connector.crm.salesforce import tokens
from connector.crm.salesforce.accounts import account, login_of
from connector.crm.salesforce.complaints import SETTINGS
from connector.crm.salesforce.tokens import TokenRefusedError
from connector.errors import CredentialError, NotFoundError
from connector.model import Delivery

AUTHORIZE_PATH = "/services/oauth2/authorize"
# only what we use
SCOPES = ("api", "refresh_token")
# without it a browser that is signed in connects its user unseen, whoever that is
PROMPT = "login consent"
NO_CODE = (
    "Salesforce did not take the code that it gave out, which serves once and for a few minutes "
    "({}); begin connecting again, and see that CUEREEL_SALESFORCE_CLIENT_ID and "
    "CUEREEL_SALESFORCE_CLIENT_SECRET are the app's"
)
NO_REFRESH = (
    "the app gives no refresh token; add the scope \"Perform requests at any time (refresh_token)\" "
    f"({SETTINGS} > Selected OAuth Scopes), then connect again"
)  # fmt: skip


def open_app(surroundings: Surroundings) -> App:
    """Return our Salesforce app."""
    return SalesforceApp(surroundings)


class SalesforceApp:
    """How an org lets us in by a button."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._settings = surroundings.settings

    def receive(self, door: str, delivery: Delivery) -> Taken:
        """Refuse all: an org's outbound messages go to its own connection's address."""
        raise NotFoundError(f"our Salesforce app has no door {door!r}")

    def authorize(self, *, state: str, challenge: str, back: str, place: str = "") -> str:
        """
        Return the page on which an admin lets us in.

        *place* is empty for production, `sandbox`, or the org's own domain.
        """
        query = {
            "response_type": "code",
            "client_id": tokens.app_credentials(self._settings)["client_id"],
            "redirect_uri": back,
            "scope": " ".join(SCOPES),
            "prompt": PROMPT,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{login_of(self._settings, place)}{AUTHORIZE_PATH}?{urlencode(query)}"

    def connect(self, *, code: str, verifier: str, back: str, place: str = "") -> Account:
        """Turn the code that Salesforce sent back into an org's account."""
        login = login_of(self._settings, place)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": back,
            **tokens.app_credentials(self._settings),
        }
        try:
            grant = tokens.token(self._settings, login, form)
        except TokenRefusedError as error:
            raise CredentialError(NO_CODE.format(error.said.code)) from None
        if not grant.refresh:
            raise CredentialError(NO_REFRESH)
        return account(self._settings, {"kind": tokens.WEB_SERVER, "login": login}, grant)
