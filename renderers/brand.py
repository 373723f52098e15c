"""How a company looks: colours, type, logo and margins, shared by every layer of a template."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from renderers.errors import TemplateError

Hex = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
PACKAGED_BRAND = Path(__file__).parent / "templates" / "brand.toml"


class Colours(BaseModel):
    """The only colours that layers name; `on-accent` is what is written on the accent."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=lambda n: n.replace("_", "-")
    )

    bg: Hex
    ink: Hex
    muted: Hex
    accent: Hex
    on_accent: Hex
    panel: Hex

    def named(self, name: str) -> str | None:
        """Find a colour by the name that templates use, or None."""
        value = getattr(self, name.replace("-", "_"), None) if name in COLOUR_NAMES else None
        return str(value) if value else None


COLOUR_NAMES = ("bg", "ink", "muted", "accent", "on-accent", "panel")


class Brand(BaseModel):
    """One brand: what `brand.toml` says, with the folder where its logo lies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    colours: Colours
    font: str = "inter"
    logo: str | None = None
    margin: int = Field(default=64, ge=0, le=200, description="safe area at 720p, pixels")
    folder: Path = Field(default=PACKAGED_BRAND.parent, exclude=True)

    @property
    def logo_path(self) -> Path | None:
        """Locate the logo, when the brand has one."""
        return self.folder / self.logo if self.logo else None


def load_brand(template_folder: Path | None = None) -> Brand:
    """Read the brand of a template: its own `brand.toml` if it has one, else the packaged one."""
    path = brand_file(template_folder)
    try:
        words = tomllib.loads(path.read_text(encoding="utf-8"))
        return Brand.model_validate({**words, "folder": path.parent})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TemplateError(f"{path}: cannot be read as a brand: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TemplateError(f"{path}: {where}: {first['msg']}.") from error


def brand_file(template_folder: Path | None) -> Path:
    """Find the brand file that applies to a template."""
    own = template_folder / "brand.toml" if template_folder else None
    return own if own and own.is_file() else PACKAGED_BRAND


def contrast(one: str, other: str) -> float:
    """Compute the WCAG 2 contrast ratio of two #rrggbb colours, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    low = channel <= 0.04045
    return channel / 12.92 if low else float(((channel + 0.055) / 1.055) ** 2.4)
