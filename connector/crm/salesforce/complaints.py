"""
Why an org does not let us in, told to whoever connects it: what to mend, and on which page of Setup.

Salesforce's own words are looked at, never shown. Source: its documentation of OAuth's error codes.
"""

from __future__ import annotations

from connector.crm.salesforce.refusals import Said, told
from connector.model import JSON

APP = "Salesforce: Setup > External Client App Manager > your app"
POLICIES = f"{APP} > Policies > OAuth Policies"
SETTINGS = f"{APP} > Settings > OAuth Settings"
WAIT = "a new app takes up to ten minutes until it works"

APP_NOT_FOUND = (
    "this org knows no app with this consumer key; copy it from Consumer Key and Secret, and see that "
    f"the domain is that of the org which has the app ({SETTINGS}); {WAIT}"
)
WRONG_SECRET = (
    "the consumer secret does not belong to the consumer key; copy both anew from Consumer Key and "
    f"Secret ({SETTINGS})"
)
NO_FLOW = (
    'the app may not be used this way; switch on "Enable Client Credentials Flow" (or, for a private '
    f'key, "Enable JWT Bearer Flow" with your certificate) in its settings ({SETTINGS}) and in its '
    f"policies ({POLICIES})"
)
NO_USER = (
    'the app has no user to run as; switch on "Enable Client Credentials Flow" and enter Cuereel\'s user '
    f'under "Run As" ({POLICIES})'
)
WRONG_DOMAIN = (
    "this address gives no tokens for the app; use the org's own domain, such as "
    "acme.my.salesforce.com (Salesforce: Setup > My Domain)"
)
NOT_APPROVED = (
    'the user may not use the app yet; set Permitted Users to "Admin approved users are '
    f'pre-authorized" and add a permission set or profile of this user ({POLICIES})'
)
WRONG_KEY = (
    "the key does not fit the app's certificate; upload the certificate that belongs to the private "
    f'key under "Enable JWT Bearer Flow" ({SETTINGS})'
)
WRONG_AUDIENCE = (
    "the org is a sandbox and was asked as production, or the other way round; give its own domain, "
    "such as acme--uat.sandbox.my.salesforce.com (Salesforce: Setup > My Domain)"
)
NO_SCOPE = (
    'the app may not use the API; add the scope "Manage user data via APIs (api)" '
    f"({SETTINGS} > Selected OAuth Scopes)"
)
INACTIVE = (
    "the user that Cuereel is to run as is not active, or its password has expired "
    "(Salesforce: Setup > Users)"
)
ADDRESS_RANGE = (
    'the org lets nobody in from this machine\'s address; set IP Relaxation to "Relax IP restrictions" '
    f"({POLICIES}) or add the address (Salesforce: Setup > Network Access)"
)
BLOCKED = (
    "the org blocks the app; an admin unblocks or installs it "
    "(Salesforce: Setup > Connected Apps OAuth Usage)"
)
NO_API = (
    "this org's edition, or the user, has no access to the API; it needs Enterprise or above, or "
    'Professional with API access, and the user the permission "API Enabled" (Salesforce: Setup > '
    "Users > Permission Sets)"
)
LOGIN_HISTORY = "Salesforce: Setup > Login History"

# what a message holds, in small letters, where the code alone says too little
BY_MESSAGE = (
    ("no client credentials user", NO_USER),
    ("client credentials flow", NO_FLOW),
    ("not supported on this domain", WRONG_DOMAIN),
    ("approved this consumer", NOT_APPROVED),
    ("user is not admin approved", NOT_APPROVED),
    ("not been approved", NOT_APPROVED),
    ("invalid assertion", WRONG_KEY),
    ("audience", WRONG_AUDIENCE),
    ("no valid scopes", NO_SCOPE),
    ("inactive", INACTIVE),
    ("ip restricted", ADDRESS_RANGE),
    ("client identifier", APP_NOT_FOUND),
    ("client credentials", WRONG_SECRET),
)
BY_CODE = {
    "invalid_client_id": APP_NOT_FOUND,
    "app_not_found": APP_NOT_FOUND,
    "OAUTH_EC_APP_NOT_FOUND": APP_NOT_FOUND,
    "invalid_client": WRONG_SECRET,
    "unsupported_grant_type": NO_FLOW,
    "unauthorized_client": NO_FLOW,
    "invalid_assertion_type": WRONG_KEY,
    "invalid_app_access": NOT_APPROVED,
    "inactive_user": INACTIVE,
    "inactive_org": NO_API,
    "OAUTH_APP_BLOCKED": BLOCKED,
}
API_OFF = frozenset({"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"})
SESSION_OFF = frozenset({"INVALID_SESSION_ID", "INVALID_AUTH_HEADER"})


def of_token(error: Said) -> str:
    """Say what to mend where Salesforce gave no token."""
    message = error.message.lower()
    for words, sentence in BY_MESSAGE:
        if words in message:
            return sentence
    known = BY_CODE.get(error.code)
    return known or (
        f"the org does not let Cuereel in ({error.code}); its list of logins says why "
        f"({LOGIN_HISTORY})"
    )


def of_call(status: int, content: JSON) -> str:
    """Say what to mend where the API does not take a token that was just given; empty otherwise."""
    code = told(content).code
    if code in API_OFF:
        return NO_API
    return NO_SCOPE if code in SESSION_OFF or (status == 401 and not code) else ""


def not_reached(sentence: str) -> str:
    """Add to *sentence*, why nobody answered, what an admin can look at."""
    return (
        f"{sentence}. If it stays so, see that the domain is the org's own "
        "(Salesforce: Setup > My Domain)"
    )
