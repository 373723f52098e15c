"""A deployed zip as the Metadata API reads it: its manifest, its components, and what is wrong with their form."""

from __future__ import annotations

import copy
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import simple_salesforce
from lxml import etree

SPACE = "http://soap.sforce.com/2006/04/metadata"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
PACKAGE, REMOVALS = "package.xml", ("destructiveChanges.xml", "destructiveChangesPost.xml")
META = "-meta.xml"
# folder: the type of what lies in it, which is also the root of each file, and the end of its name
FOLDERS = {
    "objects": ("CustomObject", ".object"),
    "permissionsets": ("PermissionSet", ".permissionset"),
    "tabs": ("CustomTab", ".tab"),
    "workflows": ("Workflow", ".workflow"),
    "flows": ("Flow", ".flow"),
    "flowDefinitions": ("FlowDefinition", ".flowDefinition"),
    "quickActions": ("QuickAction", ".quickAction"),
    "cspTrustedSites": ("CspTrustedSite", ".cspTrustedSite"),
    "layouts": ("Layout", ".layout"),
}
# what stands within a file and is a component of its own, called `<file>.<fullName>`
PARTS = {
    "CustomObject": {
        "fields": "CustomField",
        "listViews": "ListView",
        "compactLayouts": "CompactLayout",
        "validationRules": "ValidationRule",
        "recordTypes": "RecordType",
        "webLinks": "WebLink",
    },
    "Workflow": {"outboundMessages": "WorkflowOutboundMessage", "alerts": "WorkflowAlert"},
}
ELEMENT, FOLDER = "LightningComponentBundle", "EmailFolder"
# the folder for templates that every org has
PUBLIC = "unfiled$public"


@dataclass(frozen=True)
class Problem:
    """What the org says against one component."""

    file: str
    kind: str
    name: str
    sentence: str
    line: int = 0


@dataclass(frozen=True)
class Component:
    """One component of a package; *root* is what its file says, *within* the file's own component."""

    kind: str
    name: str
    file: str
    root: Any
    within: str = ""

    def text(self, tag: str, otherwise: str = "") -> str:
        """Return what an element of it says."""
        return (self.root.findtext(path(tag)) or otherwise).strip()

    def texts(self, tag: str) -> list[str]:
        """Return what all elements of this name say."""
        return [(one.text or "").strip() for one in self.root.iterfind(path(tag))]

    def flag(self, tag: str) -> bool:
        """Tell whether an element of it says true."""
        return self.text(tag) in ("true", "1")

    def parts(self, tag: str) -> list[Component]:
        """Return the elements of this name, each as a component."""
        return [
            Component(tag, f"{self.name}.{tag}", self.file, one, self.name)
            for one in self.root.iterfind(path(tag))
        ]


@dataclass
class Package:
    """What a zip holds: what it lists, what is in it, what it removes, and what is wrong with that."""

    listed: dict[str, set[str]] = field(default_factory=dict)
    components: list[Component] = field(default_factory=list)
    removed: dict[str, set[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def of(self, kind: str) -> list[Component]:
        """Return the components of one type."""
        return [one for one in self.components if one.kind == kind]

    def find(self, kind: str, name: str) -> Component | None:
        """Return one component, where the package has it."""
        return next((one for one in self.of(kind) if one.name == name), None)


def read(archive: bytes) -> Package:
    """Read a zip; what is wrong with its form stands in `problems`."""
    package = Package()
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as held:
            files = {name: held.read(name) for name in held.namelist() if not name.endswith("/")}
    except zipfile.BadZipFile:
        package.problems.append(Problem("", "", "", "UNKNOWN_EXCEPTION: the zip cannot be read"))
        return package
    if PACKAGE not in files:
        package.problems.append(Problem(PACKAGE, "", PACKAGE, "No package.xml found"))
        return package
    package.listed = _manifest(package, PACKAGE, files.pop(PACKAGE))
    for name in REMOVALS:
        if name in files:
            package.removed |= _manifest(package, name, files.pop(name))
    for name, content in sorted(files.items()):
        _take(package, name, content)
    _compare(package)
    return package


def path(tag: str) -> str:
    """Return the path of elements, `a/b`, in the namespace of metadata."""
    return "/".join(f"{{{SPACE}}}{one}" for one in tag.split("/"))


@cache
def schema() -> etree.XMLSchema:
    """Return the schema of all types, from the WSDL that simple-salesforce ships."""
    wsdl = etree.parse(str(Path(simple_salesforce.__file__).parent / "metadata.wsdl"))
    found = next(wsdl.iter(f"{{{SCHEMA}}}schema"))
    known = {one.get("name") for one in found.iterfind(f"{{{SCHEMA}}}element")}
    for type_ in list(found.iterfind(f"{{{SCHEMA}}}complexType")):
        name = type_.get("name")
        if name not in known:
            # the WSDL describes types; a file begins with an element of its type's name
            etree.SubElement(found, f"{{{SCHEMA}}}element", name=name, type=f"tns:{name}")
    # written and read again, because the prefixes of its types are declared further out
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))


def _manifest(package: Package, name: str, content: bytes) -> dict[str, set[str]]:
    root = _valid(package, name, content, "Package", name)
    if root is None:
        return {}
    return {
        one.findtext(path("name")) or "": {
            each.text or "" for each in one.iterfind(path("members"))
        }
        for one in root.iterfind(path("types"))
    }


def _take(package: Package, name: str, content: bytes) -> None:
    folder, _, rest = name.partition("/")
    if folder == "lwc":
        _take_element(package, name, content)
    elif folder == "email":
        _take_template(package, name, content)
    elif folder in FOLDERS and rest.endswith(FOLDERS[folder][1]):
        kind, end = FOLDERS[folder]
        _take_file(package, name, content, kind, rest.removesuffix(end))
    else:
        package.problems.append(Problem(name, "", name, f"Unknown type name '{folder}' specified"))


def _take_file(package: Package, file: str, content: bytes, kind: str, name: str) -> None:
    root = _valid(package, file, content, kind, name)
    if root is None:
        return
    package.components.append(Component(kind, name, file, root))
    for tag, part in PARTS.get(kind, {}).items():
        for one in root.iterfind(path(tag)):
            full = f"{name}.{one.findtext(path('fullName')) or ''}"
            package.components.append(Component(part, full, file, one, name))


def _take_element(package: Package, file: str, content: bytes) -> None:
    _, name, last = file.split("/", 2)
    if last != f"{name}.js{META}":
        return
    root = _valid(package, file, content, ELEMENT, name)
    if root is not None:
        package.components.append(Component(ELEMENT, name, file, root))


def _take_template(package: Package, file: str, content: bytes) -> None:
    rest = file.partition("/")[2]
    if not rest.endswith(META):
        return
    name = rest.removesuffix(META).removesuffix(".email")
    kind = "EmailTemplate" if "/" in name else FOLDER
    root = _valid(package, file, content, kind, name)
    if root is not None:
        package.components.append(Component("EmailTemplate", name, file, root))


def _valid(package: Package, file: str, content: bytes, kind: str, name: str) -> Any:
    """Return a file's root where it is well-formed and as the schema has it, else note why not."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        package.problems.append(
            Problem(file, kind, name, f"Error parsing file: {error.msg}", error.lineno or 0)
        )
        return None
    if root.tag != path(kind):
        package.problems.append(
            Problem(file, kind, name, f"Error parsing file: the root is no {kind} of metadata")
        )
        return None
    checked = copy.deepcopy(root)
    for one in checked.findall(path("targetConfigs")):
        # the WSDL does not know what a component's targets may be set to
        checked.remove(one)
    if schema().validate(checked):
        return root
    wrong = schema().error_log[0]
    package.problems.append(
        Problem(file, kind, name, f"Error parsing file: {wrong.message}", wrong.line)
    )
    return None


def _compare(package: Package) -> None:
    """Note what is listed and not there, and what is there and not listed."""
    for kind, name in _unheld(package):
        sentence = (
            f"An object '{name}' of type {kind} was named in package.xml, but was not found in zipped "
            "directory"
        )
        package.problems.append(Problem(PACKAGE, kind, name, sentence))
    for one in package.components:
        if not _is_listed(package, one):
            package.problems.append(Problem(one.file, one.kind, one.name, "Not in package.xml"))


def _unheld(package: Package) -> Iterator[tuple[str, str]]:
    broken = {problem.name for problem in package.problems}
    for kind, names in package.listed.items():
        held = {one.name for one in package.of(kind)} | {"*", PUBLIC} | broken
        yield from ((kind, name) for name in sorted(names - held))


def _is_listed(package: Package, component: Component) -> bool:
    names = package.listed.get(component.kind, set())
    if component.name in names or "*" in names:
        return True
    if component.within:
        return any(
            component.within in package.listed.get(whole, ())
            for whole, parts in PARTS.items()
            if component.kind in parts.values()
        )
    # a file of parts needs no mention where all of its parts have one, which each is asked itself
    return component.kind in PARTS and component.name not in package.listed.get(component.kind, ())
