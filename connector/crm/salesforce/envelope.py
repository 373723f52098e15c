"""
The envelope in which Salesforce's flows tell of records, read strictly (salesforce.md §2.1).

Whatever is not exactly of this form is refused whole. What may not be told apart from an attack, a
document type with entities, is refused before anything is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from connector.crm.salesforce.ids import is_id, object_of, whole
from connector.errors import PayloadError

LARGEST, DEEPEST, MOST = 1_000_000, 12, 100
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
RECORD = "{urn:sobject.enterprise.soap.sforce.com}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
# what an org that got it all is answered; any other word makes it send again
ACKNOWLEDGED = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    b"</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)
CONTENT_TYPE = "text/xml; charset=utf-8"


@dataclass(frozen=True)
class Notification:
    """One record that a flow tells of: *object* is its type, *fields* what was sent along, as text."""

    id: str
    object: str
    record_id: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Envelope:
    """One message: the org as it names itself, and one to a hundred notifications."""

    org: str
    notifications: tuple[Notification, ...]


def parse_envelope(body: bytes) -> Envelope:
    """Read an outbound message; PayloadError where any part of it is not as Salesforce sends it."""
    root = _root(body)
    if root.tag != SOAP + "Envelope":
        raise PayloadError("the body is no SOAP envelope")
    message = _only(_only(root, SOAP + "Body"), OUTBOUND + "notifications")
    _id(_only(message, OUTBOUND + "ActionId"), "ActionId")
    org = _text(_only(message, OUTBOUND + "OrganizationId"))
    if not is_id(org):
        raise PayloadError("OrganizationId is missing, or is no id")
    told = message.findall(OUTBOUND + "Notification")
    if not 0 < len(told) <= MOST:
        raise PayloadError(f"a message holds 1 to {MOST} notifications, not {len(told)}")
    return Envelope(org, tuple(_notification(one) for one in told))


def _root(body: bytes) -> etree._Element:
    if len(body) > LARGEST:
        raise PayloadError(f"the message is larger than {LARGEST // 1_000_000} MB")
    _refuse_document_type(body)
    parser = etree.XMLParser(
        # what the text was looked through as is also what it is parsed as
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError):
        # not chained: the parser quotes what it could not read
        raise PayloadError("the body is not XML") from None
    if root.xpath("boolean(" + "/*" * (DEEPEST + 1) + ")"):
        raise PayloadError(f"the XML is nested deeper than {DEEPEST} levels")
    return root


def _refuse_document_type(body: bytes) -> None:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise PayloadError("the body is not UTF-8 text") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise PayloadError("the XML declares a document type, which Salesforce never does")


def _notification(told: etree._Element) -> Notification:
    notification_id = _id(_only(told, OUTBOUND + "Id"), "Notification Id")
    record = _only(told, OUTBOUND + "sObject")
    name = _type(record)
    fields = _fields(record)
    record_id = fields.get("Id", "")
    if not is_id(record_id):
        raise PayloadError("the Id of a record is missing, or is no id")
    # where the first letters name another object, one of the two is wrong
    if object_of(record_id) not in ("", name):
        raise PayloadError("a record is of another type than its Id")
    return Notification(notification_id, name, whole(record_id), fields)


def _type(record: etree._Element) -> str:
    prefix, colon, name = (record.get(TYPE) or "").rpartition(":")
    space = record.nsmap.get(prefix if colon else None)
    if not name or not space or f"{{{space}}}" != RECORD:
        raise PayloadError("a record does not say of which type it is")
    return name


def _fields(record: etree._Element) -> dict[str, str]:
    """Return what a record holds; a field that is empty, or holds others, is left out."""
    found: dict[str, str] = {}
    for child in record.iterchildren(tag=etree.Element):
        name = str(child.tag).removeprefix(RECORD)
        if name in found:
            raise PayloadError("a record names a field twice")
        if name != child.tag and len(child) == 0 and child.text:
            found[name] = child.text.strip()
    return found


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise PayloadError(f"{tag.rpartition('}')[2]} is missing, or there are several")
    return found[0]


def _id(element: etree._Element, name: str) -> str:
    text = _text(element)
    if not is_id(text):
        raise PayloadError(f"{name} is missing, or is no id")
    return whole(text)


def _text(element: etree._Element) -> str:
    return (element.text or "").strip() if len(element) == 0 else ""
