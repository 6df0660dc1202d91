"""Fields of an object: what they are, who may write them, and how describe tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from infra.sandbox._serving.errors import Wire

Value = None | bool | int | float | str | date | datetime
"""Of a field: dates and instants as such, everything else as JSON has it."""

Writes = Literal["", "c", "cu"]
"""Who uses the API may write a field never, at creation, or always."""

SOAP_TYPES = {
    "boolean": "xsd:boolean",
    "currency": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "double": "xsd:double",
    "id": "tns:ID",
    "int": "xsd:int",
    "percent": "xsd:double",
    "reference": "tns:ID",
}
NUMBERS = frozenset({"currency", "double", "int", "percent"})
LONG_TEXT = 4000  # from here on texts are no criterion of a query


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """``feature`` is one that an org must have for the field to exist there."""

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    writes: Writes = "cu"
    required: bool = False
    default: Value = None
    values: tuple[tuple[str, str], ...] = ()
    restricted: bool = False
    refers_to: tuple[str, ...] = ()
    relationship: str = ""
    feature: str = ""

    @property
    def is_custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def is_filterable(self) -> bool:
        return not (self.type == "textarea" and self.length >= LONG_TEXT)

    def describe(self, *, updateable: bool) -> Wire:
        """``updateable``: by who asks."""
        may_write = updateable and bool(self.writes)
        return {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "length": self.length,
            "custom": self.is_custom,
            "nillable": not self.required and self.type != "boolean",
            "createable": may_write,
            "updateable": may_write and self.writes == "cu",
            "filterable": self.is_filterable,
            "sortable": self.is_filterable and self.type != "multipicklist",
            "groupable": self.is_filterable and self.type != "multipicklist",
            "calculated": False,
            "defaultedOnCreate": self.default is not None or self.type == "boolean",
            "defaultValue": self.default,
            "externalId": False,
            "unique": False,
            "restrictedPicklist": self.restricted,
            "precision": 18 if self.type in NUMBERS else 0,
            "scale": 2 if self.type in {"currency", "double"} else 0,
            "referenceTo": list(self.refers_to),
            "relationshipName": self.relationship or None,
            "soapType": SOAP_TYPES.get(self.type, "xsd:string"),
            "picklistValues": [_picklist_value(*one, self.default) for one in self.values],
        }


def _picklist_value(value: str, label: str, default: Value) -> Wire:
    return {"active": True, "defaultValue": value == default, "label": label, "value": value}


def text(name: str, length: int = 255, **more: object) -> Field:
    return _field(name, "string", length=length, **more)


def long_text(name: str, length: int = 32_000) -> Field:
    return _field(name, "textarea", length=length)


def number(name: str, kind: str = "double", **more: object) -> Field:
    return _field(name, kind, **more)


def flag(name: str, **more: object) -> Field:
    return _field(name, "boolean", default=False, **more)


def choice(name: str, *values: str, **more: object) -> Field:
    pairs = tuple((one, one) for one in values)
    return _field(name, "picklist", length=255, values=pairs, **more)


def lookup(name: str, *refers_to: str, **more: object) -> Field:
    """The relationship is called as the field without its ending."""
    relationship = name.removesuffix("Id")
    return _field(
        name, "reference", length=18, refers_to=refers_to, relationship=relationship, **more
    )


def day(name: str, **more: object) -> Field:
    return _field(name, "date", **more)


def instant(name: str, **more: object) -> Field:
    return _field(name, "datetime", **more)


def _field(name: str, kind: str, **more: object) -> Field:
    return Field(name=name, type=kind, **more)  # type: ignore[arg-type]
