"""What a caller gives for a record, as it is stored: seen, allowed, of the right type, existing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from infra.sandbox.salesforce import values
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Field, Value
from infra.sandbox.salesforce.objects import SObject
from infra.sandbox.salesforce.records import Actor
from infra.sandbox.salesforce.schema import no_column
from infra.sandbox.salesforce.settings import REP

if TYPE_CHECKING:
    from infra.sandbox.salesforce.org import Org
    from infra.sandbox.salesforce.work import Work

_NOT_FIELDS = frozenset({"attributes", "id"})


def taken(
    work: Work, object_name: str, given: Mapping[str, object], *, creating: bool
) -> dict[str, Value]:
    """Raises ``ApiError``."""
    found: dict[str, Value] = {}
    for name, value in given.items():
        if name.lower() not in _NOT_FIELDS:
            field = _field(work, object_name, name, creating=creating)
            found[field.name] = _stored(work.org, field, value)
    if creating:
        _refuse_incomplete(work.org, object_name, found)
    return found


def defaults(org: Org, found: SObject, by: Actor) -> dict[str, Value]:
    """Of a new record."""
    fields = org.schema.fields(found.name)
    general = {one.name: one.default for one in fields if one.default is not None}
    names = {one.name for one in fields}
    owner = {"OwnerId": by.user or REP} if "OwnerId" in names else {}
    currency = {"CurrencyIsoCode": org.settings.currency} if "CurrencyIsoCode" in names else {}
    return {**general, **owner, **currency}


def _field(work: Work, object_name: str, name: str, *, creating: bool) -> Field:
    schema = work.org.schema
    bound = work.by.is_integration
    field = schema.seen(object_name, name) if bound else schema.field(object_name, name)
    if field is None:
        raise no_column(object_name, name)
    if work.by.is_trusted:
        return field
    may = schema.may_edit(object_name, field) if bound else True
    if not may or ("c" if creating else "u") not in field.writes:
        raise ApiError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {field.name}. Please check the security settings of "
            "this field and verify that it is read/write for your profile or permission set.",
            fields=(field.name,),
        )
    return field


def _stored(org: Org, field: Field, value: object) -> Value:
    stored = values.taken(field, value)
    if field.type == "reference" and isinstance(stored, str):
        _refuse_dangling(org, field, stored)
    if field.name == "CurrencyIsoCode" and stored not in {
        org.settings.currency,
        *org.settings.rates,
    }:
        message = f"{field.name}: bad value for restricted picklist field: {stored}"
        raise ApiError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, fields=(field.name,))
    return stored


def _refuse_dangling(org: Org, field: Field, record_id: str) -> None:
    """Kinds that this org does not know may be referred to all the same."""
    known = [one for name in field.refers_to if (one := org.schema.find_object(name))]
    if not known:
        return
    if record_id[:3] not in {one.prefix for one in known}:
        message = f"{field.name}: id value of incorrect type: {record_id}"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, fields=(field.name,))
    found = org.find(record_id)
    if found is None or found.deleted_at is not None:
        message = f"{field.name}: invalid cross reference id"
        raise ApiError("INVALID_CROSS_REFERENCE_KEY", message, fields=(field.name,))


def _refuse_incomplete(org: Org, object_name: str, given: Mapping[str, Value]) -> None:
    fields = org.schema.fields(object_name)
    needed = {one.name for one in fields if one.required and one.default is None}
    if object_name == "Account" and given.get("LastName"):
        needed.discard("Name")  # a person account is called as its person
    if object_name == "Lead" and org.settings.person_accounts:
        needed.discard("Company")  # it becomes a person account
    if missing := sorted(name for name in needed if given.get(name) is None):
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise ApiError("REQUIRED_FIELD_MISSING", message, fields=missing)
