"""Refs that people type or keep in files: an id may be spelled as their CRM shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import connectors
from chalicelib.core.facts import Fact, FactType
from chalicelib.core.model import Json, Ref, crm_of
from chalicelib.pipeline.told_ids import RecordId, told_data, told_id

_OF_RECORDS: frozenset[FactType] = frozenset({
    "contact", "lead", "account", "deal", "line_item", "ticket",
})  # fmt: skip
"""Facts that have the ids of records."""


def typed_ref(text: str) -> Ref:
    """Raises ValueError.

    >>> str(typed_ref("salesforce-main:contact:003Ws00000A1b2C"))
    'salesforce-main:contact:003Ws00000A1b2CIAR'
    """
    return _as_delivered(Ref.parse(text))


def fact_as_delivered(fact: Fact) -> Fact:
    """With ids of records as the CRM's own deliveries spell them: the subject's, that of the fact
    where it tells of a record, and those of deals, orders and associations that it names.

    Values of attributes stay as they are, since only a policy knows which of them name records.
    """
    record_id = _record_id(crm_of(fact.subject.connection))
    return replace(
        fact,
        subject=_as_delivered(fact.subject),
        id=_id(fact, record_id),
        data=_data(fact, record_id),
    )


def _id(fact: Fact, record_id: RecordId) -> str:
    if fact.type in _OF_RECORDS:
        return record_id(fact.id)
    if fact.type == "stage":
        deal, separator, at = fact.id.partition("@")
        return f"{record_id(deal)}{separator}{at}"
    return told_id(fact.id, record_id) if fact.type in {"purchase", "refund"} else fact.id


def _data(fact: Fact, record_id: RecordId) -> Mapping[str, Json]:
    match fact.type:
        case "links":
            return {kind: _linked(ids, record_id) for kind, ids in fact.data.items()}
        case "purchase" | "refund" | "stage":
            return told_data(fact.data, record_id)
        case "line_item" if isinstance(deal := fact.data.get("deal_id"), str):
            return {**fact.data, "deal_id": record_id(deal)}
    return fact.data


def _linked(ids: Json, record_id: RecordId) -> Json:
    """Orders are associated by the ids of their facts."""
    if not isinstance(ids, list):
        return ids
    return [record_id(told_id(str(one), record_id)) for one in ids]


def _as_delivered(ref: Ref) -> Ref:
    return replace(ref, id=_record_id(crm_of(ref.connection))(ref.id))


@cache
def _record_id(crm: str) -> RecordId:
    """Files may be of a CRM that there is not."""
    return connectors.load(crm).record_id if crm in connectors.names() else str
