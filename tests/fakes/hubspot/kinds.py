"""The kinds of record of the fake: names, type ids, associations, and the properties they start with."""

from __future__ import annotations

from typing import Any

IDS = {
    "contacts": "0-1", "companies": "0-2", "deals": "0-3", "tickets": "0-5",
    "line_items": "0-8", "tasks": "0-27", "notes": "0-46", "meetings": "0-47",
    "orders": "0-123", "carts": "0-142",
}  # fmt: skip
SINGULAR = {name: "company" if name == "companies" else name.removesuffix("s") for name in IDS}
NAMES = {
    **{name: name for name in IDS},
    **{number: name for name, number in IDS.items()},
    **{one: many for many, one in SINGULAR.items()},
}
CHANGED_AT = {"contacts": "lastmodifieddate"}
CREATED_AT = dict.fromkeys(("contacts", "companies", "deals", "tickets"), "createdate")
# the first one is what a default association makes
ASSOCIATIONS = {
    ("contacts", "companies"): 279, ("companies", "contacts"): 280,
    ("contacts", "deals"): 4, ("deals", "contacts"): 3,
    ("contacts", "tickets"): 15, ("tickets", "contacts"): 16,
    ("contacts", "carts"): 587, ("carts", "contacts"): 586,
    ("contacts", "orders"): 508, ("orders", "contacts"): 507,
    ("contacts", "meetings"): 199, ("meetings", "contacts"): 200,
    ("contacts", "notes"): 201, ("notes", "contacts"): 202,
    ("contacts", "tasks"): 203, ("tasks", "contacts"): 204,
    ("companies", "notes"): 189, ("notes", "companies"): 190,
    ("deals", "notes"): 213, ("notes", "deals"): 214,
    ("deals", "tasks"): 215, ("tasks", "deals"): 216,
    ("deals", "companies"): 341, ("companies", "deals"): 342,
    ("deals", "line_items"): 19, ("line_items", "deals"): 20,
    ("carts", "line_items"): 590, ("line_items", "carts"): 591,
    ("carts", "orders"): 592, ("carts", "deals"): 1347,
}  # fmt: skip
PRIMARY = {("contacts", "companies"): 1, ("companies", "contacts"): 2}
STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity",
          "customer", "evangelist", "other")  # fmt: skip
# name:type, text where none is said; an exclamation mark where only HubSpot writes it
STANDARD = {
    "contacts": """
        firstname lastname email company jobtitle city country phone website hs_lead_status
        lifecyclestage:enumeration hubspot_owner_id:enumeration hs_language:enumeration
        hs_timezone:enumeration createdate:datetime! lastmodifieddate:datetime!
        hs_email_optout:bool! hs_email_quarantined:bool! hs_legal_basis:enumeration
        hs_marketable_status:enumeration! hs_email_hard_bounce_reason_enum:enumeration!
        associatedcompanyid:number hs_pinned_engagement_id:number hs_calculated_merged_vids!
        recent_conversion_event_name! recent_conversion_date:datetime!
        num_conversion_events:number! hs_email_last_send_date:datetime!
        hs_email_last_open_date:datetime! hs_email_last_click_date:datetime!
        hs_email_last_email_name! num_associated_deals:number! notes_last_updated:datetime!""",
    "companies": """
        name domain website industry:enumeration numberofemployees:number city country
        annualrevenue:number lifecyclestage:enumeration hubspot_owner_id:enumeration
        createdate:datetime! hs_lastmodifieddate:datetime!""",
    "deals": """
        dealname amount:number amount_in_home_currency:number! deal_currency_code:enumeration
        dealstage:enumeration pipeline:enumeration closedate:datetime hs_is_closed_won:bool!
        hs_is_closed:bool! hs_closed_amount:number! hs_arr:number! hs_mrr:number!
        hs_deal_stage_probability:number! dealtype:enumeration hubspot_owner_id:enumeration
        createdate:datetime! hs_lastmodifieddate:datetime!""",
    "tickets": """
        subject content hs_pipeline:enumeration hs_pipeline_stage:enumeration
        hs_ticket_priority:enumeration closed_date:datetime hubspot_owner_id:enumeration
        createdate:datetime! hs_lastmodifieddate:datetime!""",
    "carts": """
        hs_cart_name hs_external_cart_id hs_source_store hs_external_status hs_cart_url
        hs_total_price:number hs_subtotal_price:number hs_currency_code:enumeration
        hs_cart_discount:number hs_tax:number hs_shipping_cost:number hs_tags
        hubspot_owner_id:enumeration hs_createdate:datetime! hs_lastmodifieddate:datetime!""",
    "orders": """
        hs_order_name hs_currency_code:enumeration hs_source_store hs_fulfillment_status
        hs_total_price:number hs_pipeline:enumeration hs_pipeline_stage:enumeration
        hubspot_owner_id:enumeration hs_createdate:datetime! hs_lastmodifieddate:datetime!""",
    "line_items": """
        name price:number quantity:number amount:number hs_sku hs_url hs_images description
        hs_createdate:datetime! hs_lastmodifieddate:datetime!""",
    "meetings": """
        hs_timestamp:datetime hs_meeting_title hs_meeting_body hs_meeting_start_time:datetime
        hs_meeting_end_time:datetime hs_meeting_outcome:enumeration hubspot_owner_id:enumeration
        hs_createdate:datetime! hs_lastmodifieddate:datetime!""",
    "notes": """
        hs_timestamp:datetime hs_note_body hs_attachment_ids hubspot_owner_id:enumeration
        hs_createdate:datetime! hs_lastmodifieddate:datetime!""",
    "tasks": """
        hs_timestamp:datetime hs_task_subject hs_task_body hs_task_status:enumeration
        hs_task_priority:enumeration hs_task_type:enumeration hs_task_reminders
        hubspot_owner_id:enumeration hs_createdate:datetime! hs_lastmodifieddate:datetime!""",
}
OPTIONS = {
    "lifecyclestage": STAGES,
    "hs_task_status": ("NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED", "COMPLETED"),
    "hs_task_priority": ("NONE", "LOW", "MEDIUM", "HIGH"),
    "hs_task_type": ("TODO", "CALL", "EMAIL"),
}
REQUIRED = {"notes": ("hs_timestamp",), "tasks": ("hs_timestamp",)}
FIELD_TYPES = {"string": "text", "number": "number", "bool": "booleancheckbox",
               "enumeration": "select", "date": "date", "datetime": "date"}  # fmt: skip


def standard(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties that every portal has for a kind of record."""
    words = ["hs_object_id:number!", *STANDARD[kind].split()]
    made = [_property(word) for word in words]
    return {one["name"]: one for one in made}


def definition(name: str, type_: str = "string", **more: Any) -> dict[str, Any]:
    """Return one definition as HubSpot would show it."""
    options = [
        {"label": value.title(), "value": value, "displayOrder": place, "hidden": False}
        for place, value in enumerate(OPTIONS.get(name, ()))
    ]
    return {
        "name": name,
        "label": name,
        "type": type_,
        "fieldType": FIELD_TYPES.get(type_, "text"),
        "groupName": "contactinformation",
        "description": "",
        "options": options,
        "displayOrder": -1,
        "hidden": False,
        "formField": False,
        "hasUniqueValue": False,
        "calculated": False,
        "hubspotDefined": False,
        "archived": False,
        "modificationMetadata": {"archivable": True, "readOnlyValue": False},
        **more,
    }


def _property(word: str) -> dict[str, Any]:
    name, _, type_ = word.removesuffix("!").partition(":")
    rights = {
        "archivable": False,
        "readOnlyDefinition": True,
        "readOnlyValue": word.endswith("!"),
    }
    made = definition(name, type_ or "string", hubspotDefined=True, modificationMetadata=rights)
    return made | {"fieldType": "checkbox"} if name == "hs_legal_basis" else made
