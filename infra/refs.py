"""Refs that people type or keep in files: an id may be spelled as their CRM shows it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import connectors
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref, crm_of
from chalicelib.pipeline.told_ids import RecordId


def typed_ref(text: str) -> Ref:
    """Raises ValueError.

    >>> str(typed_ref("salesforce-main:contact:003Ws00000A1b2C"))
    'salesforce-main:contact:003Ws00000A1b2CIAR'
    """
    return _as_delivered(Ref.parse(text))


def fact_as_delivered(fact: Fact) -> Fact:
    """The subject's id as the CRM's own deliveries spell it, also where the record is told of."""
    told, subject = fact.subject, _as_delivered(fact.subject)
    if subject == told:
        return fact
    return replace(fact, subject=subject, id=subject.id if fact.id == told.id else fact.id)


def _as_delivered(ref: Ref) -> Ref:
    return replace(ref, id=_record_id(crm_of(ref.connection))(ref.id))


@cache
def _record_id(crm: str) -> RecordId:
    """Files may be of a CRM that there is not."""
    return connectors.load(crm).record_id if crm in connectors.names() else str
