"""Setting properties in batches, so that one bad record fails alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from chalicelib.core.errors import RateLimited, RecordBusy, RecordGone, WriteRefused
from connectors._http import Refused
from connectors.hubspot.api import (
    BATCH,
    WINDOW_S,
    HubSpotApi,
    Outcome,
    Problem,
    chunks,
    correlation_id,
    problem,
    problems,
)

Values = Mapping[str, Mapping[str, str]]
"""Property texts by record id."""

Refusals = dict[str, WriteRefused | RecordBusy]
"""Why a record was not written, by its id; ``RecordGone`` where it is deleted or merged."""

_GONE = "OBJECT_NOT_FOUND"
_NO_TIME = "RATE_LIMITS"


def write(api: HubSpotApi, object_type: str, values: Values) -> Refusals:
    """All records that are not in the answer were written.

    Raises RateLimited if HubSpot had time for none of a batch.
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
    envelope = problem(refusal.body if isinstance(refusal.body, dict) else {})
    _refuse_if_busy([envelope])
    guilty = values if len(values) == 1 else _guilty(values, envelope)
    reason = _refusal(envelope, correlation_id(refusal.body), str(refusal))
    refusals: Refusals = dict.fromkeys(guilty, reason)
    left = [one for one in values if one not in guilty]
    for part in chunks(left, BATCH if guilty else (len(left) + 1) // 2):
        refusals |= _write_batch(api, object_type, {one: values[one] for one in part})
    return refusals


def _guilty(values: Values, envelope: Problem) -> list[str]:
    """Those for whom halving would only ask many times over."""
    if envelope.get("category") == _GONE:
        named = _named(envelope)
        return [one for one in values if one in named]
    return _with_undefined_property(values, envelope)


def _with_undefined_property(values: Values, envelope: Problem) -> list[str]:
    undefined = {
        name
        for problem in envelope.get("errors", ())
        if problem.get("code") == "PROPERTY_DOESNT_EXIST"
        for name in problem.get("context", {}).get("propertyName", ())
    }
    return [one for one, texts in values.items() if undefined & texts.keys()]


def _refusals(values: Values, outcome: Outcome) -> Refusals:
    """HubSpot answers 2xx for a batch that it wrote in part."""
    written = {record["id"] for record in outcome["results"]}
    told = {identity: one for one in problems(outcome) for identity in _named(one)}
    if not written:
        _refuse_if_busy(told.values())
    # A merged record is not documented to be taken; if it is, its survivor was written instead.
    silent = _SURVIVOR if written - values.keys() else _LEFT_OUT
    return {
        one: _refusal(told.get(one, silent), correlation_id(outcome))
        for one in values
        if one not in written
    }


_LEFT_OUT: Problem = {"message": "HubSpot left the record out and did not say why"}
_SURVIVOR: Problem = {"message": "HubSpot answered for another record", "category": _GONE}


def _refuse_if_busy(told: Collection[Problem]) -> None:
    if told and all(one.get("category") == _NO_TIME for one in told):
        raise RateLimited(_worded(next(iter(told)), ""), retry_after=WINDOW_S)


def _named(problem: Problem) -> set[str]:
    context = problem.get("context", {})
    return {*context.get("ids", ()), *context.get("objectWriteTraceId", ())}


def _refusal(problem: Problem, correlation: str, text: str = "") -> WriteRefused | RecordBusy:
    """``text`` is said instead of the problem's own where that has been worded already."""
    text = text or _worded(problem, correlation)
    if problem.get("category") == _NO_TIME:
        return RecordBusy(text, retry_after=WINDOW_S)
    kind = RecordGone if problem.get("category") == _GONE else WriteRefused
    about = [name for name in _properties(problem) if name not in text]
    return kind(f"{text} [{', '.join(about)}]" if about else text, correlation_id=correlation)


def _worded(problem: Problem, correlation: str) -> str:
    details = (one.get("message", "") for one in problem.get("errors", ()))
    text = "; ".join(filter(None, [problem.get("message", "no reason given"), *details]))
    return f"{text} (correlation id {correlation})" if correlation else text


def _properties(problem: Problem) -> Iterable[str]:
    """The properties that a refusal is about: a rule may concern one that we did not send.

    HubSpot has named them in several members, and the ones of admins' rules are not published.
    """
    found: dict[str, None] = {}
    for one in (problem, *problem.get("errors", ())):
        for member, names in one.get("context", {}).items():
            if "propert" in member.lower():
                found |= dict.fromkeys([names] if isinstance(names, str) else names)
    return found
