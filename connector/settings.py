"""
The only reader of the environment.

Names are `CUEREEL_*`, except the five that hosting platforms set by custom: `DATABASE_URL`,
`REDIS_URL`, `PUBLISH_URL`, `PUBLIC_BASE_URL`, `PORT`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connector.errors import SettingError

Seconds = Annotated[float, Field(gt=0, le=86_400)]
DATABASES = ("sqlite", "postgresql")


class Settings(BaseSettings):
    """Everything an operator can set, with defaults for one machine."""

    model_config = SettingsConfigDict(env_prefix="CUEREEL_", frozen=True, extra="ignore")

    home: Path = Field(Path(".cuereel"), description="database, files, templates, mappings, key")
    database_url: str = Field(
        "", validation_alias="DATABASE_URL", repr=False, description="default: SQLite"
    )
    redis_url: str = Field(
        "", validation_alias="REDIS_URL", repr=False, description="default: embedded"
    )
    publish_url: str = Field("", validation_alias="PUBLISH_URL", description="default: file://")
    public_base_url: str = Field(
        "", validation_alias="PUBLIC_BASE_URL", description="where viewers and CRMs reach us"
    )
    port: int = Field(
        8400, validation_alias="PORT", ge=1, le=65_535, description="where the web process listens"
    )
    host: str = Field("127.0.0.1", description="address that the web process binds")
    proxies: int = Field(
        0,
        ge=0,
        le=5,
        description="how many proxies of yours stand in front and set X-Forwarded-For",
    )
    secret_keys: str = Field(
        "", repr=False, description="Fernet keys, newest first, comma separated"
    )

    renderer: Literal["stitching", "reference"] = Field(
        "stitching", description="stitching, or reference: slow, whole, with MoviePy"
    )
    reuse: Literal["none", "template"] = Field(
        "template", description="whether encoded scenes may serve several videos"
    )
    video_height: int = Field(720, ge=180, le=2160, description="pixels of the shorter side, even")

    lease_seconds: Seconds = Field(60, description="how long a claim on work lasts unrenewed")
    sweep_seconds: Seconds = Field(2, description="how often the sweep looks for due work")
    ring_again_seconds: Seconds = Field(
        15, description="when queued but unclaimed work is rung anew"
    )
    reconcile_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        600,
        description="how often a CRM is asked for what lost deliveries should have told; 0: never",
    )
    coalesce_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        5, description="how long metrics of one contact are gathered before they are written"
    )
    attempts: int = Field(8, ge=1, le=50, description="tries before work becomes a dead letter")
    crashes: int = Field(3, ge=1, le=20, description="tries that died without a word, likewise")
    signature_window_seconds: Seconds = Field(300, description="how old a signed delivery may be")
    tracking: Literal["identified", "pseudonymous", "aggregate", "off"] = Field(
        "identified", description="how watching may be remembered at most; see below"
    )
    segment_days: int = Field(
        90, ge=0, le=3650, description="how long what was played is kept to the second; 0: always"
    )
    hubspot_client_id: str = Field("", description="of your HubSpot app, to connect portals")
    hubspot_client_secret: str = Field(
        "",
        repr=False,
        description="of your HubSpot app; while it is rotated, several, newest first, by comma",
    )
    hubspot_version: Literal["2026-03", "2026-09"] = Field(
        "2026-03", description="version of HubSpot's API that is called"
    )
    hubspot_api: str = Field("https://api.hubapi.com", description="where HubSpot's API is")
    hubspot_site: str = Field("https://app.hubspot.com", description="where HubSpot's pages are")
    salesforce_client_id: str = Field(
        "", description="consumer key of your external client app, to connect orgs by a button"
    )
    salesforce_client_secret: str = Field("", repr=False, description="its consumer secret")
    salesforce_version: str = Field(
        "67.0", pattern=r"^\d\d\.0$", description="version of Salesforce's API that is called"
    )
    salesforce_api: str = Field(
        "", description="where all of Salesforce is, instead of at each org's own address"
    )
    salesforce_share: float = Field(
        0.8, gt=0, le=1, description="of an org's daily calls; beyond it only links are written"
    )
    salesforce_bulk_from: int = Field(
        2000, ge=1, description="more changes than this go by the Bulk API"
    )
    link_days: int = Field(60, ge=1, le=3650, description="how long a watch link lives")
    free_megabytes: int = Field(200, ge=0, description="no render is begun below this")

    @field_validator("video_height")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even, for example 720")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        scheme = urlsplit(value).scheme.split("+")[0]
        if value and scheme not in (*DATABASES, "postgres"):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_redis(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("public_base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("must be a web address, for example https://video.example.com")
        return value.rstrip("/")

    @field_validator("hubspot_api", "hubspot_site", "salesforce_api")
    @classmethod
    def _safe_address(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        here = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not parts.hostname or parts.scheme != ("http" if here else "https"):
            raise ValueError("must be an https address")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _explicit_secrets(self) -> Settings:
        if self.production and not self.secret_keys:
            raise ValueError(
                "CUEREEL_SECRET_KEYS must be set when PUBLIC_BASE_URL is https "
                "(`cuereel key new` prints one)"
            )
        return self

    @property
    def production(self) -> bool:
        """Tell whether viewers reach us over https."""
        return self.public_base_url.startswith("https://")

    @property
    def database(self) -> str:
        """The database's URL in the form that SQLAlchemy wants."""
        if not self.database_url:
            return f"sqlite:///{self.folder / 'cuereel.db'}"
        for old in ("postgres://", "postgresql://"):
            if self.database_url.startswith(old):
                return "postgresql+psycopg://" + self.database_url.removeprefix(old)
        return self.database_url

    @property
    def folder(self) -> Path:
        """The home folder as an absolute path."""
        return self.home.absolute()

    @property
    def files(self) -> str:
        """Where finished files go, as a URL."""
        return self.publish_url or (self.folder / "files").as_uri()

    @property
    def base_url(self) -> str:
        """Our own address as viewers see it, without a slash at the end."""
        return self.public_base_url or f"http://127.0.0.1:{self.port}"

    @property
    def compiled(self) -> Path:
        """Where this machine keeps what all videos of a template share; it may be deleted."""
        return self.folder / "compiled"

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """Where own templates are looked for, before the packaged ones."""
        return (self.folder / "templates",)

    @property
    def mapping_folders(self) -> tuple[Path, ...]:
        """Where own mappings are looked for, before the packaged ones."""
        return (self.folder / "mappings",)


def load_settings() -> Settings:
    """
    Read the environment once.

    Raises SettingError that names each wrong variable and what was expected.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingError("\n".join(_complaints(error))) from None


def _complaints(error: ValidationError) -> list[str]:
    return [
        f"{_variable(str(item['loc'][0]) if item['loc'] else '')}"
        f"{item['msg'].removeprefix('Value error, ')}"
        for item in error.errors()
    ]


def _variable(name: str) -> str:
    if not name:
        return ""
    own = name in Settings.model_fields
    return (f"CUEREEL_{name.upper()}" if own else name.upper()) + ": "
