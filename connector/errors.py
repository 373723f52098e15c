"""
Everything that we raise on purpose.

The class says whether trying again can help; `reason` is the code that is stored and counted, the
message is the plain sentence that a person reads. Ordinary outcomes (refused, capped, held out) are
values, not exceptions: see `connector.model.Decision`.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Superclass of all our errors. Never raised itself."""

    reason = "error"

    def __init__(self, sentence: str, *, reason: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if reason is not None:
            self.reason = reason


class TemporaryError(ConnectorError):
    """Worth trying again, not before *after* seconds where the other side said so."""

    reason = "temporary"

    def __init__(
        self, sentence: str, *, reason: str | None = None, after: float | None = None
    ) -> None:
        super().__init__(sentence, reason=reason)
        self.after = after


class PermanentError(ConnectorError):
    """Will fail again; a person must look."""

    reason = "permanent"


class SettingError(PermanentError):
    """A setting is missing or has a value that cannot be used."""

    reason = "setting"


class SignatureError(PermanentError):
    """A delivery is not signed by whom it claims to be from, or is too old."""

    reason = "signature"


class PayloadError(PermanentError):
    """A delivery is signed but cannot be understood."""

    reason = "payload"


class MappingError(PermanentError):
    """A campaign or dictionary names something that does not exist."""

    reason = "mapping"


class NotFoundError(PermanentError):
    """What was asked for does not exist, or no longer."""

    reason = "not_found"


class DatabaseBusyError(TemporaryError):
    """The database is locked, full or away; nothing was written."""

    reason = "database_busy"


class SchemaError(PermanentError):
    """The database belongs to another version of the code."""

    reason = "schema"


class CRMBusyError(TemporaryError):
    """The CRM asks us to slow down."""

    reason = "crm_busy"


class CRMDownError(TemporaryError):
    """The CRM cannot be reached or answers nonsense."""

    reason = "crm_down"


class CredentialError(PermanentError):
    """The CRM no longer accepts our credentials; work waits until an admin connects it again."""

    reason = "needs_reauth"


class MediaError(PermanentError):
    """A picture, sound or film from outside is refused."""

    reason = "media"


class LeaseLostError(TemporaryError):
    """Somebody else has taken over this piece of work, so our result is thrown away."""

    reason = "lease_lost"
