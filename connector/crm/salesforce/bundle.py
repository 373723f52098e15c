"""
Our package as the Metadata API takes it: a zip made of the source folder, filled in for one org.

The source is in Salesforce's source format, where each field is a file; the API wants a whole object in
one. What differs from org to org (our address, the user, the campaigns) stands in the source as
`{{base}}`, `{{user}}` and `{{endpoint:<query>}}`.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from xml.sax.saxutils import escape

from lxml import etree

SPACE = "http://soap.sforce.com/2006/04/metadata"
VERSION = "63.0"  # of the schema that the source was checked against
PLACE = re.compile(r"\{\{(base|user|endpoint:[^{}<>]{1,200})\}\}")
CAMPAIGNS = "objects/Cuereel_Request__c/fields/Campaign__c.field-meta.xml"
META = "-meta.xml"
# folder in the source: the type of what lies in it
TYPES = {
    "objects": "CustomObject",
    "permissionsets": "PermissionSet",
    "tabs": "CustomTab",
    "workflows": "WorkflowOutboundMessage",
    "layouts": "Layout",
    "lwc": "LightningComponentBundle",
    "quickActions": "QuickAction",
    "cspTrustedSites": "CspTrustedSite",
    "email": "EmailTemplate",
    "flows": "Flow",
}
# one after the other, so that a page which an org does not take leaves fields and links working
STAGES: Sequence[tuple[str, tuple[str, ...]]] = (
    ("fields and objects", ("objects", "tabs", "permissionsets")),
    ("messages", ("workflows",)),
    ("pages and e-mail templates", ("lwc", "quickActions", "layouts", "cspTrustedSites", "email")),
    ("flows", ("flows",)),
)


@dataclass(frozen=True)
class Filling:
    """What differs from org to org; *endpoint* turns a query such as `contact_onboarding` into an address."""

    base: str
    user: str
    endpoint: Callable[[str], str]
    campaigns: Sequence[tuple[str, str]] = ()


@dataclass
class Bundle:
    """The files of one stage, and what of each type is in them."""

    title: str
    files: dict[str, bytes] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)

    def add(self, type_: str, *names: str) -> None:
        """Name what package.xml must list."""
        listed = self.members.setdefault(type_, [])
        listed += [name for name in names if name not in listed]

    def zipped(self) -> bytes:
        """Return the zip, the same bytes for the same content."""
        held = {"package.xml": manifest(self.members), **self.files}
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(held):
                archive.writestr(zipfile.ZipInfo(name), held[name], zipfile.ZIP_DEFLATED)
        return target.getvalue()


def bundles(filling: Filling, *, commerce: bool) -> list[Bundle]:
    """Return the stages of our package in the order in which they are deployed."""
    found = _stages("force-app", "", filling)
    if commerce:
        # apart, so that an org which does not take messages about carts has all the others
        found += _stages("commerce", " about carts", filling)
    return found


def fingerprint(stages: Sequence[Bundle]) -> str:
    """Return what tells one deployed package from another."""
    digest = hashlib.sha256()
    for bundle in stages:
        for name in sorted(bundle.files):
            digest.update(name.encode() + b"\0" + bundle.files[name] + b"\0")
    return digest.hexdigest()[:32]


def manifest(members: Mapping[str, Sequence[str]]) -> bytes:
    """Return a package.xml."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<Package xmlns="{SPACE}">']
    for type_ in sorted(members):
        lines.append("    <types>")
        lines += [f"        <members>{escape(name)}</members>" for name in sorted(members[type_])]
        lines += [f"        <name>{type_}</name>", "    </types>"]
    lines += [f"    <version>{VERSION}</version>", "</Package>", ""]
    return "\n".join(lines).encode()


def _stages(name: str, about: str, filling: Filling) -> list[Bundle]:
    folder = files("connector") / "crm" / "salesforce" / "package" / name / "main" / "default"
    found = [Bundle(title + about) for title, _ in STAGES]
    for bundle, (_, kinds) in zip(found, STAGES, strict=True):
        for kind in kinds:
            if (folder / kind).is_dir():
                _collect(bundle, kind, folder / kind, filling)
    return [bundle for bundle in found if bundle.files]


def _collect(bundle: Bundle, kind: str, folder: Traversable, filling: Filling) -> None:
    if kind == "objects":
        for one in _sorted(folder):
            _object(bundle, one, filling)
    elif kind == "lwc":
        for one in _sorted(folder):
            _component(bundle, one)
    elif kind == "email":
        _templates(bundle, folder, filling)
    else:
        for one in _sorted(folder):
            _whole_file(bundle, kind, one, filling)


def _object(bundle: Bundle, folder: Traversable, filling: Filling) -> None:
    """Put an object's own file and those of its parts together."""
    root = etree.Element(f"{{{SPACE}}}CustomObject", nsmap={None: SPACE})  # type: ignore[dict-item]
    own = folder / f"{folder.name}.object{META}"
    if own.is_file():
        root.extend(_parsed(own, filling))
        bundle.add("CustomObject", folder.name)
    for tag, part in PARTS.items():
        for one in _sorted(folder / part) if (folder / part).is_dir() else ():
            element = _parsed(one, filling)
            if folder.name == "Cuereel_Request__c" and one.name.startswith("Campaign__c."):
                _offer(element, filling.campaigns)
            element.tag = f"{{{SPACE}}}{tag}"
            root.append(element)
            if not own.is_file():
                bundle.add("CustomField", f"{folder.name}.{_plain(one.name)}")
    # parts of one sort must stand together
    root[:] = sorted(root, key=lambda child: str(child.tag))
    bundle.files[f"objects/{folder.name}.object"] = _written(root)


def _component(bundle: Bundle, folder: Traversable) -> None:
    if not folder.is_dir() or folder.name.startswith(("__", ".")):
        return
    for one in _sorted(folder):
        if one.is_file():
            bundle.files[f"lwc/{folder.name}/{one.name}"] = one.read_bytes()
    bundle.add(TYPES["lwc"], folder.name)


def _templates(bundle: Bundle, folder: Traversable, filling: Filling) -> None:
    for one in _sorted(folder):
        if one.is_dir():
            if "$" not in one.name:  # unfiled$public is Salesforce's own
                bundle.add(TYPES["email"], one.name)
            for file in _sorted(one):
                bundle.files[f"email/{one.name}/{file.name}"] = _filled(file, filling)
                if file.name.endswith(".email"):
                    bundle.add(TYPES["email"], f"{one.name}/{file.name.removesuffix('.email')}")
        else:
            # the folder's own description
            bundle.files[f"email/{_plain(one.name)}{META}"] = _filled(one, filling)


def _whole_file(bundle: Bundle, kind: str, file: Traversable, filling: Filling) -> None:
    if not file.name.endswith(META):
        return
    content = _filled(file, filling)
    bundle.files[f"{kind}/{file.name.removesuffix(META)}"] = content
    name = _plain(file.name)
    if kind == "workflows":
        found = etree.fromstring(content).findall(
            f"{{{SPACE}}}outboundMessages/{{{SPACE}}}fullName"
        )
        bundle.add(TYPES[kind], *(f"{name}.{one.text}" for one in found))
    else:
        bundle.add(TYPES[kind], name)


def _offer(element: etree._Element, campaigns: Sequence[tuple[str, str]]) -> None:
    """Let a rep choose between the campaigns that are installed."""
    definition = element.find(f"{{{SPACE}}}valueSet/{{{SPACE}}}valueSetDefinition")
    if definition is None or not campaigns:
        return
    for old in definition.findall(f"{{{SPACE}}}value"):
        definition.remove(old)
    for name, title in campaigns:
        value = etree.SubElement(definition, f"{{{SPACE}}}value")
        for tag, text in (("fullName", name), ("default", "false"), ("label", title)):
            etree.SubElement(value, f"{{{SPACE}}}{tag}").text = text


def _parsed(file: Traversable, filling: Filling) -> etree._Element:
    return etree.fromstring(_filled(file, filling), etree.XMLParser(remove_comments=True))


def _filled(file: Traversable, filling: Filling) -> bytes:
    def put(found: re.Match[str]) -> str:
        name, _, query = found[1].partition(":")
        values = {"base": lambda: filling.base, "user": lambda: filling.user}
        return escape(values[name]() if name in values else filling.endpoint(query))

    return PLACE.sub(put, file.read_text(encoding="utf-8")).encode()


def _written(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _sorted(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda one: one.name)


def _plain(name: str) -> str:
    """Return the name of what a file holds: `Foo__c.field-meta.xml` is Foo__c."""
    return name.removesuffix(META).rpartition(".")[0] or name


# what of an object lies in files of its own, by the element that it becomes
PARTS = {
    "compactLayouts": "compactLayouts",
    "fields": "fields",
    "listViews": "listViews",
    "validationRules": "validationRules",
}
