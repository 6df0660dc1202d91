"""What may become of an order: a draft with products is activated, and is not deleted then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.standard_sales import ACTIVATED

if TYPE_CHECKING:
    from infra.sandbox.salesforce.work import Work

_FIXED = frozenset({"AccountId", "CurrencyIsoCode"})
"""Of an order that is not a draft any more."""


def refuse_creation(object_name: str, values: Mapping[str, Value]) -> None:
    if object_name == "Order" and values.get("Status") == ACTIVATED:
        raise ApiError("FAILED_ACTIVATION", "an order is created as a draft")


def refuse_update(work: Work, record: Record, values: Mapping[str, Value]) -> None:
    if record.object != "Order":
        return
    if record.value("StatusCode") == ACTIVATED:
        if fixed := sorted(_FIXED & values.keys()):
            message = f"an activated order keeps its {' and '.join(fixed)}"
            raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, fields=fixed)
    elif values.get("Status") == ACTIVATED and not _has_products(work, record):
        raise ApiError("FAILED_ACTIVATION", "An order must have at least one product.")


def refuse_deletion(record: Record) -> None:
    if record.object == "Order" and record.value("StatusCode") == ACTIVATED:
        raise ApiError("DELETE_FAILED", "an activated order is not deleted: make it a draft first")


def _has_products(work: Work, order: Record) -> bool:
    return any(one.value("OrderId") == order.id for one in work.org.living("OrderItem"))
