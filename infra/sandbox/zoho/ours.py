"""Which fields of a module are Emtiaz's: they are known by the labels that it gave them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from chalicelib.core.outputs import OUTPUTS
from infra.sandbox.zoho.fields import Field
from infra.sandbox.zoho.modules import Module
from infra.sandbox.zoho.organisation import Organisation
from infra.sandbox.zoho.records import Value
from infra.sandbox.zoho.schema import LABEL_LENGTH
from infra.sandbox.zoho.wire import plain

TAGS = "tags"
_LABELS = {label: one.name for one in OUTPUTS for label in (one.label.en, one.label.fa)}


def our_fields(org: Organisation, module: Module) -> Mapping[str, Field]:
    """By output."""
    custom = (one for one in org.schema.fields(module).values() if one.custom)
    return {output: one for one in custom if (output := output_of(one))}


def output_of(field: Field) -> str:
    """By the longest label that the field's own begins with; the empty text for none."""
    begins = (one for one in _LABELS if field.label.startswith(one[:LABEL_LENGTH].rstrip()))
    return _LABELS.get(max(begins, key=len, default=""), "")


def text_of(org: Organisation, field: Field, value: Value) -> str:
    """As one text: tags with semicolons between, instants in UTC."""
    if value is None:
        return ""
    if field.name == "Tag":
        return ";".join(one.name for one in value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(plain(org, field, value))
