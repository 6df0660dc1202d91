"""Which fields each module has; making more of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.batches import success
from infra.sandbox.zoho.editions import Edition
from infra.sandbox.zoho.errors import ApiError, invalid, missing
from infra.sandbox.zoho.fields import LENGTHS, Field, PickListValue
from infra.sandbox.zoho.modules import MODULES, Module
from infra.sandbox.zoho.standard_fields import standard_fields

FIELDS_PER_CALL = 5
LABEL_LENGTH = 25
_MAKEABLE = (
    "text", "textarea", "integer", "double", "percent", "currency", "picklist",
    "multiselectpicklist", "datetime", "date", "boolean", "email", "phone", "website", "bigint",
)  # fmt: skip
_TEXT_AREAS = {"small": 2_000, "large": 32_000, "rich_text": 50_000}
_MEMBERS = {
    "field_label", "data_type", "length", "decimal_place", "pick_list_values", "tooltip",
    "enable_colour_code", "textarea", "history_tracking_enabled", "profiles", "currency",
    "layout_associations", "external", "unique", "private", "convert_mapping", "crypt",
    "pick_list_values_sorted_lexically", "number_separator", "separator",
}  # fmt: skip


class Schema:
    """``new_id`` gives ids."""

    def __init__(self, edition: Edition, new_id: Callable[[], str]) -> None:
        self._edition = edition
        self._new_id = new_id
        self._fields = {module: standard_fields(module) for module in MODULES.values()}

    def fields(self, module: Module) -> Mapping[str, Field]:
        return self._fields[module]

    def find(self, module: Module, name: str) -> Field | None:
        return self._fields[module].get(name)

    def get(self, module: Module, name: str) -> Field:
        """Raises ``ApiError``."""
        if found := self.find(module, name):
            return found
        raise invalid("the field is not available", api_name=name, module=module.name)

    def define(self, module: Module, field: Field) -> Field:
        """As it is, without questions."""
        found = field.numbered(self._new_id())
        self._fields[module][field.name] = found
        return found

    def create(self, module: Module, rows: Sequence[Wire]) -> list[Wire]:
        """An entry for each; raises ``ApiError`` for too many at once."""
        if not rows or len(rows) > FIELDS_PER_CALL:
            details: Wire = {"maximum_length": FIELDS_PER_CALL, "api_name": "fields"}
            raise ApiError(400, "INVALID_DATA", "too many fields at once", details, root="fields")
        return [self._attempt(module, row) for row in rows]

    def change(self, module: Module, field_id: str, body: Wire) -> Wire:
        """Another label; another set of values, without those that are not named. Raises
        ``ApiError``.
        """
        found = next((f for f in self._fields[module].values() if f.id == field_id), None)
        if found is None:
            raise invalid("the field id is invalid", api_name="id")
        values = _pick_list(body) if "pick_list_values" in body else found.values
        label = str(body.get("field_label", found.label))
        self._fields[module][found.name] = replace(found, label=label, values=values)
        return success("field updated successfully", {"id": field_id})

    def _attempt(self, module: Module, row: Wire) -> Wire:
        try:
            made = self.define(module, self._read(module, row))
        except ApiError as refused:
            return refused.entry()
        return success("field created", {"id": made.id})

    def _read(self, module: Module, row: Wire) -> Field:
        label, type_ = row.get("field_label"), row.get("data_type")
        if not label or not type_:
            raise missing("field_label" if not label else "data_type")
        if len(label) > LABEL_LENGTH:
            raise invalid("invalid data", api_name="field_label", maximum_length=LABEL_LENGTH)
        if unknown := sorted(row.keys() - _MEMBERS):
            raise invalid("invalid data", api_name=unknown[0])
        if type_ not in _MAKEABLE:
            raise invalid("invalid data", api_name="data_type", supported_values=list(_MAKEABLE))
        self._refuse_crowding(module, label)
        field = Field(self._api_name(module, label), label, type_, _length(row), custom=True)
        return replace(
            field,
            values=_pick_list(row),
            decimals=row.get("decimal_place"),
            tooltip=row.get("tooltip"),
        )

    def _refuse_crowding(self, module: Module, label: str) -> None:
        fields = self._fields[module].values()
        if any(one.label.lower() == label.lower() for one in fields):
            details: Wire = {"api_name": "field_label"}
            raise ApiError(400, "DUPLICATE_DATA", "Duplicate field name", details)
        if sum(one.custom for one in fields) >= self._edition.custom_fields:
            details = {"limit": self._edition.custom_fields}
            raise ApiError(400, "LIMIT_EXCEEDED", "custom field limit exceeded", details)

    def _api_name(self, module: Module, label: str) -> str:
        """Zoho makes it of the label: letters, digits and bars; numbered where it is taken."""
        stem = re.sub(r"[^A-Za-z0-9]+", "_", label).strip("_")
        stem = stem if stem[:1].isalpha() else f"Field_{stem}".rstrip("_")
        name, number = stem, 1
        while name in self._fields[module]:
            name, number = f"{stem}{number}", number + 1
        return name


def _length(row: Wire) -> int:
    type_ = row["data_type"]
    if type_ == "textarea":
        kind = (row.get("textarea") or {}).get("type", "small")
        if kind not in _TEXT_AREAS:
            raise invalid("invalid data", api_name="type", supported_values=list(_TEXT_AREAS))
        return _TEXT_AREAS[kind]
    length = row.get("length") or LENGTHS.get(type_, 0)
    if not isinstance(length, int) or length > LENGTHS.get(type_, length):
        raise invalid("invalid data", api_name="length", maximum_length=LENGTHS[type_])
    return length


def _pick_list(row: Wire) -> tuple[PickListValue, ...]:
    return tuple(
        PickListValue(
            str(one["display_value"]),
            str(one.get("actual_value") or one["display_value"]),
            one.get("colour_code"),
        )
        for one in row.get("pick_list_values") or []
    )
