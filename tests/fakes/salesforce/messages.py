"""The envelope of an outbound message, and what counts as an answer to it (salesforce.md §2.1)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lxml import etree

from tests.fakes.salesforce.schema import whole

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
RECORDS = "urn:sobject.enterprise.soap.sforce.com"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MESSAGE_TYPE = "text/xml; charset=utf-8"
VERSION = "63.0"


@dataclass(frozen=True)
class Told:
    """One notification: its own id, the record's, and the fields that are not empty."""

    id: str
    record: str
    values: Mapping[str, Any]


def made_id(prefix: str, what: str) -> str:
    """Return a valid id of eighteen characters that is always the same for *what*."""
    number, digits = zlib.crc32(what.encode()), ""
    for _ in range(12):
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return whole(prefix + digits)


def envelope(org_id: str, instance: str, action_id: str, name: str, told: Sequence[Told]) -> bytes:
    """Return the message that tells of *told*, all records of the object *name*."""
    root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soapenv": SOAP, "xsd": XSD, "xsi": XSI})
    body = etree.SubElement(root, f"{{{SOAP}}}Body")
    inner = etree.SubElement(body, _out("notifications"), nsmap={None: OUTBOUND})
    etree.SubElement(inner, _out("OrganizationId")).text = org_id
    etree.SubElement(inner, _out("ActionId")).text = action_id
    etree.SubElement(inner, _out("SessionId")).set(f"{{{XSI}}}nil", "true")
    for tag, letter in (("EnterpriseUrl", "c"), ("PartnerUrl", "u")):
        address = f"{instance}/services/Soap/{letter}/{VERSION}/{org_id[:15]}"
        etree.SubElement(inner, _out(tag)).text = address
    for one in told:
        _add(inner, name, one)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def acknowledged(status: int, content_type: str, body: bytes) -> bool:
    """Tell whether Salesforce takes this answer for one; anything else is sent again."""
    if status != 200 or content_type.split(";")[0].strip().lower() != "text/xml":
        return False
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return False
    path = f"{{{SOAP}}}Body/{_out('notificationsResponse')}/{_out('Ack')}"
    return root.tag == f"{{{SOAP}}}Envelope" and (root.findtext(path) or "").strip() == "true"


def as_text(value: Any) -> str:
    """Return a value as XML has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def _add(inner: Any, name: str, told: Told) -> None:
    notification = etree.SubElement(inner, _out("Notification"))
    etree.SubElement(notification, _out("Id")).text = told.id
    record = etree.SubElement(notification, _out("sObject"), nsmap={"sf": RECORDS})
    record.set(f"{{{XSI}}}type", f"sf:{name}")
    etree.SubElement(record, f"{{{RECORDS}}}Id").text = told.record
    for field, value in told.values.items():
        if field != "Id" and value is not None:
            etree.SubElement(record, f"{{{RECORDS}}}{field}").text = as_text(value)


def _out(tag: str) -> str:
    return f"{{{OUTBOUND}}}{tag}"
