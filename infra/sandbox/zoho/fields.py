"""One field of a module, and how Zoho describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from infra.sandbox._serving.errors import Wire

JSON_TYPES = {
    "integer": "integer",
    "bigint": "string",
    "double": "double",
    "currency": "double",
    "percent": "integer",
    "boolean": "boolean",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "multiselectpicklist": "jsonarray",
}
"""All others are strings."""

LENGTHS = {
    "text": 255, "email": 100, "phone": 30, "website": 450, "textarea": 32_000, "picklist": 120,
    "integer": 9, "bigint": 18, "double": 16, "currency": 16, "percent": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PickListValue:
    """``forecast_type`` and ``probability`` are of stages alone."""

    label: str
    value: str = ""
    colour: str | None = None
    forecast_type: str = ""
    probability: int = 0

    @property
    def actual(self) -> str:
        return self.value or self.label

    def to_json(self, number: int) -> Wire:
        body: Wire = {
            "id": f"5725767{number:012}",
            "display_value": self.label,
            "actual_value": self.actual,
            "reference_value": self.actual,
            "sequence_number": number,
            "colour_code": self.colour,
            "type": "used",
        }
        if self.forecast_type:
            body |= {
                "forecast_type": self.forecast_type,
                "deal_category": self.forecast_type,
                "probability": self.probability,
                "forecast_category": {"name": self.forecast_type, "id": f"5725767{number:012}"},
            }
        return body


@dataclass(frozen=True, slots=True)
class Field:
    """``type`` is Zoho's ``data_type``; ``lookup`` the module that one leads to, by name."""

    name: str
    label: str
    type: str = "text"
    length: int = 0
    values: tuple[PickListValue, ...] = ()
    lookup: str = ""
    read_only: bool = False
    custom: bool = False
    decimals: int | None = None
    id: str = ""
    tooltip: Wire | None = field(default=None, compare=False)

    @property
    def longest(self) -> int:
        return self.length or LENGTHS.get(self.type, 255)

    def value_of(self, value: str) -> PickListValue | None:
        return next((one for one in self.values if one.actual == value), None)

    def numbered(self, number: str) -> Field:
        return replace(self, id=number)

    def to_json(self) -> Wire:
        return {
            "id": self.id,
            "api_name": self.name,
            "field_label": self.label,
            "display_label": self.label,
            "data_type": self.type,
            "json_type": JSON_TYPES.get(self.type, "string"),
            "length": self.longest,
            "decimal_place": self.decimals,
            "custom_field": self.custom,
            "read_only": self.read_only,
            "field_read_only": self.read_only,
            "system_mandatory": False,
            "visible": True,
            "filterable": True,
            "sortable": True,
            "virtual_field": False,
            "tooltip": self.tooltip,
            "lookup": _lookup(self.lookup),
            "pick_list_values": [one.to_json(n) for n, one in enumerate(self.values, 1)],
        }


def _lookup(module: str) -> Wire:
    return {"module": {"api_name": module}} if module else {}


def pick(labels: Sequence[str]) -> tuple[PickListValue, ...]:
    return tuple(PickListValue(one) for one in labels)
