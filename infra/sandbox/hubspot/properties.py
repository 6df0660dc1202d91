"""Property definitions: how they are made, and the check of a value against its definition."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot import values
from infra.sandbox.hubspot.errors import Detail, invalid

FIELD_TYPES = {
    "string": {"text", "textarea", "html", "phonenumber", "file"},
    "number": {"number"},
    "datetime": {"date"},
    "date": {"date"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "bool": {"booleancheckbox"},
    "phone_number": {"phonenumber"},
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_OPTION_MEMBERS = {"label": str, "value": str, "displayOrder": int, "hidden": bool}


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    display_order: int = -1
    hidden: bool = False

    def to_json(self) -> Wire:
        return {
            "value": self.value,
            "label": self.label,
            "displayOrder": self.display_order,
            "hidden": self.hidden,
        }


@dataclass(frozen=True, slots=True)
class Definition:
    """``calculated`` ones are written by HubSpot alone and ring no webhook."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    created_at: datetime
    description: str = ""
    options: tuple[Option, ...] = ()
    calculated: bool = False
    hubspot_defined: bool = False
    hidden: bool = False
    form_field: bool = False
    unique: bool = False
    display_order: int = -1

    def stored(self, value: str, before: str = "") -> str:
        """The value as it is stored; empty clears. Raises ``InvalidValue``."""
        if value == "":
            return value
        if self.type != "string":
            values.refuse_padding(value)
        if self.type in values.PLAIN:
            return values.PLAIN[self.type](value)
        allowed = [option.value for option in self.options]
        if self.field_type == "checkbox":
            return values.choices(value, allowed, before)
        return values.choice(value, allowed)

    def label_of(self, value: str) -> str:
        """What a person sees for an option's value."""
        return next((one.label for one in self.options if one.value == value), value)

    def to_json(self) -> Wire:
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "groupName": self.group,
            "description": self.description,
            "options": [option.to_json() for option in self.options],
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": False,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "formField": self.form_field,
            "hubspotDefined": self.hubspot_defined,
            "archived": False,
            "createdAt": spell(self.created_at),
            "updatedAt": spell(self.created_at),
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyOptions": self.hubspot_defined,
                "readOnlyValue": self.calculated,
            },
        }


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    label: str
    display_order: int = -1

    def to_json(self) -> Wire:
        return {
            "name": self.name,
            "label": self.label,
            "displayOrder": self.display_order,
            "archived": False,
        }


def definition_from(body: Wire, now: datetime) -> Definition:
    """A custom property as an app asks for it. Raises ``ApiError``, naming each member."""
    wrong = [
        _missing(name)
        for name in ("name", "label", "type", "fieldType", "groupName")
        if not isinstance(body.get(name), str)
    ]
    wrong = wrong or [*_wrong_name(body), *_wrong_type(body), *_wrong_options(body)]
    if wrong:
        raise invalid(f"Property {body.get('name')!r} is invalid: {wrong[0].message}", *wrong)
    return Definition(
        name=body["name"],
        label=body["label"],
        type=body["type"],
        field_type=body["fieldType"],
        group=body["groupName"],
        created_at=now,
        description=body.get("description", ""),
        options=_options(body),
        hidden=body.get("hidden", False),
        form_field=body.get("formField", False),
        unique=body.get("hasUniqueValue", False),
        display_order=body.get("displayOrder", -1),
    )


def changed_definition(definition: Definition, body: Wire) -> Definition:
    """PATCH: only what is named changes; options are replaced as a set."""
    if definition.hubspot_defined:
        raise invalid(f"Property {definition.name!r} is defined by HubSpot")
    whole = {**definition.to_json(), **body, "name": definition.name}
    return replace(definition_from(whole, definition.created_at), calculated=False)


def group_from(body: Wire) -> Group:
    wrong = [_missing(name) for name in ("name", "label") if not isinstance(body.get(name), str)]
    wrong = wrong or _wrong_name(body)
    if wrong:
        raise invalid(wrong[0].message, *wrong)
    return Group(body["name"], body["label"], body.get("displayOrder", -1))


def _missing(name: str) -> Detail:
    return Detail(f"{name} is required and must be text", "REQUIRED_FIELD", {"field": [name]})


def _wrong_name(body: Wire) -> list[Detail]:
    name = body["name"]
    if _NAME.fullmatch(name) and not name.startswith("hs_"):
        return []
    return [Detail(f"{name!r} is not an allowed internal name", "INVALID_NAME", {"name": [name]})]


def _wrong_type(body: Wire) -> list[Detail]:
    kind, field_type = body["type"], body["fieldType"]
    if field_type in FIELD_TYPES.get(kind, ()):
        return []
    message = f"Type {kind!r} does not go with field type {field_type!r}"
    return [Detail(message, "INVALID_TYPE", {"type": [kind], "fieldType": [field_type]})]


def _wrong_options(body: Wire) -> list[Detail]:
    options = body.get("options", [])
    if body["type"] not in ("enumeration", "bool"):
        return [Detail("Only enumerations have options", "INVALID_OPTIONS")] if options else []
    if not isinstance(options, list) or not options:
        return [Detail("An enumeration needs options", "INVALID_OPTIONS")]
    return _incomplete(options) or _repeated(options)


def _incomplete(options: Sequence[Any]) -> list[Detail]:
    return [
        Detail("An option needs label, value, displayOrder and hidden", "INVALID_OPTIONS")
        for option in options
        if not isinstance(option, dict)
        or any(not isinstance(option.get(name), kind) for name, kind in _OPTION_MEMBERS.items())
    ]


def _repeated(options: Sequence[Wire]) -> list[Detail]:
    read: tuple[Callable[[Wire], str], ...] = (lambda one: one["value"], lambda one: one["label"])
    if all(len({member(option) for option in options}) == len(options) for member in read):
        return []
    return [Detail("Labels and values of options must be unique", "INVALID_OPTIONS")]


def _options(body: Wire) -> tuple[Option, ...]:
    return tuple(
        Option(one["value"], one["label"], one["displayOrder"], one["hidden"])
        for one in body.get("options", [])
    )
