"""Setting properties in batches, so that one bad record fails alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.core.errors import RateLimited, WriteRefused
from connectors._http import Refused
from connectors.hubspot.api import (
    BATCH,
    WINDOW_S,
    HubSpotApi,
    Outcome,
    Problem,
    chunks,
    correlation_id,
)

Values = Mapping[str, Mapping[str, str]]
"""Property texts by record id."""

Refusals = dict[str, WriteRefused]
"""Why a record was not written, by its id."""


def write(api: HubSpotApi, object_type: str, values: Values) -> Refusals:
    """All records that are not in the answer were written.

    Raises RateLimited if HubSpot took some records and had no time for others: then all are to
    be written again.
    """
    refusals: Refusals = {}
    for ids in chunks(sorted(values), BATCH):
        refusals |= _write_batch(api, object_type, {one: values[one] for one in ids})
    return refusals


def _write_batch(api: HubSpotApi, object_type: str, values: Values) -> Refusals:
    try:
        outcome = api.update(object_type, values)
    except Refused as refusal:
        return _isolate(api, object_type, values, refusal)
    return _refusals(values, outcome)


def _isolate(api: HubSpotApi, object_type: str, values: Values, refusal: Refused) -> Refusals:
    """The batch was refused as a whole: the guilty are named, or alone, or found by halves."""
    guilty = values if len(values) == 1 else _with_undefined_property(values, refusal.body)
    reason = WriteRefused(str(refusal), correlation_id=correlation_id(refusal.body))
    refusals: Refusals = dict.fromkeys(guilty, reason)
    left = [one for one in values if one not in guilty]
    for part in chunks(left, BATCH if guilty else (len(left) + 1) // 2):
        refusals |= _write_batch(api, object_type, {one: values[one] for one in part})
    return refusals


def _with_undefined_property(values: Values, body: Any) -> list[str]:
    """Records that set a property which the account lacks; halving would ask for each."""
    problems: list[Problem] = body.get("errors", []) if isinstance(body, dict) else []
    undefined = {
        name
        for problem in problems
        if problem.get("code") == "PROPERTY_DOESNT_EXIST"
        for name in problem.get("context", {}).get("propertyName", ())
    }
    return [one for one, texts in values.items() if undefined & texts.keys()]


def _refusals(values: Values, outcome: Outcome) -> Refusals:
    """HubSpot answers 2xx for a batch that it wrote in part."""
    written = {record["id"] for record in outcome["results"]}
    problems = {
        identity: problem for problem in outcome.get("errors", ()) for identity in _named(problem)
    }
    return {
        one: _refusal(problems.get(one, {}), correlation_id(outcome))
        for one in values
        if one not in written
    }


def _named(problem: Problem) -> set[str]:
    context = problem.get("context", {})
    return {*context.get("ids", ()), *context.get("objectWriteTraceId", ())}


def _refusal(problem: Problem, correlation: str) -> WriteRefused:
    message = problem.get("message", "HubSpot left the record out and did not say why")
    if problem.get("category") == "RATE_LIMITS":
        raise RateLimited(message, retry_after=WINDOW_S)
    return WriteRefused(message, correlation_id=correlation)
