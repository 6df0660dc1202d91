"""Records on their way out."""

from __future__ import annotations

from collections.abc import Iterable

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.batches import success
from infra.sandbox.zoho.fields import Field
from infra.sandbox.zoho.instants import spell
from infra.sandbox.zoho.modules import MODULES
from infra.sandbox.zoho.organisation import Organisation
from infra.sandbox.zoho.records import Record, Value

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "IRR": "﷼"}


def spelled(org: Organisation, record: Record, names: Iterable[str]) -> Wire:
    """The named fields, and the id; unknown names are passed over."""
    fields = org.schema.fields(record.module)
    body = {
        name: spelled_value(org, fields[name], org.value(record, name))
        for name in names
        if name in fields
    }
    return body | {"id": record.id}


def whole(org: Organisation, record: Record) -> Wire:
    """All fields, and what is kept of a record besides."""
    code = record.values.get("Currency") or org.settings.currency
    return spelled(org, record, org.schema.fields(record.module)) | {
        "$currency_symbol": SYMBOLS.get(code, code),
        "$converted": record.converted,
        "$approval_state": "approved",
        "$editable": True,
        "$in_merge": False,
    }


def spelled_value(org: Organisation, field: Field, value: Value) -> Value:
    if value is None:
        return False if field.type == "boolean" else None
    if field.name == "Tag":
        return [one.to_json() for one in value]
    match field.type:
        case "datetime":
            return spell(value, org.settings.time_zone)
        case "ownerlookup":
            user = org.user(value)
            return user.to_json() | {"email": user.email}
        case "lookup":
            return _link(org, field, value)
        case _:
            return value


def plain(org: Organisation, field: Field, value: Value) -> Value:
    """As queries and files have it: of lookups the id alone."""
    match field.type:
        case "ownerlookup":
            return value
        case "lookup":
            link = _link(org, field, value) if value else None
            return link["id"] if link else None
        case _:
            return spelled_value(org, field, value)


def _link(org: Organisation, field: Field, record_id: str) -> Wire | None:
    """Nothing leads to what is deleted."""
    found = (
        org.find_anywhere(record_id)
        if field.lookup == "*"
        else org.find(MODULES[field.lookup], record_id)
    )
    return {"name": found.name, "id": found.id} if found else None


def written(org: Organisation, record: Record, message: str) -> Wire:
    zone = org.settings.time_zone
    details = {
        "id": record.id,
        "Modified_Time": spell(record.modified_at, zone),
        "Modified_By": record.modified_by.user.to_json(),
        "Created_Time": spell(record.created_at, zone),
        "Created_By": record.created_by.user.to_json(),
    }
    return success(message, details)
