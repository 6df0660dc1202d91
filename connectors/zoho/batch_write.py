"""Setting fields in batches, so that one bad record fails alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from chalicelib.core.errors import RateLimited, RecordBusy, RecordGone, WriteRefused
from chalicelib.core.model import Json
from connectors._http import Refused
from connectors.zoho.answers import code, details, failed, message, outcomes
from connectors.zoho.api import BATCH, ZohoApi, chunks
from connectors.zoho.limits import CROWDED_S

E = TypeVar("E", RateLimited, RecordBusy)

Values = Mapping[str, Mapping[str, Json]]
"""Field values by record id."""

Refusals = dict[str, WriteRefused | RecordBusy]
"""Why a record was not written, by its id; ``RecordGone`` where it is deleted or merged."""

_UNKNOWN = frozenset({"RECORD_NOT_FOUND", "NO_RECORD_FOUND", "ENTITY_ID_INVALID"})
_NO_TIME = "TOO_MANY_REQUESTS"
_AT = re.compile(r"\$\.data\[([0-9]+)\]")


def write(api: ZohoApi, module: str, values: Values) -> Refusals:
    """All records that are not in the answer were written.

    A record that is locked, or waits for an approval, is refused like any other: what is written
    comes in the order of its connection, which must not wait for what may last for days.
    """
    refusals: Refusals = {}
    for ids in chunks(sorted(values), BATCH):
        refusals |= _write_batch(api, module, {one: values[one] for one in ids})
    return refusals


def refusals_of(ids: Sequence[str], answer: Any) -> Refusals:
    """Whatever the status of an answer, each of its outcomes has one of its own.

    Raises RateLimited if Zoho had time for none of them.
    """
    told = outcomes(answer)
    by_id = {str(details(one).get("id")): one for one in told if not failed(one)}
    in_order = dict(zip(ids, told, strict=True)) if _is_in_order(ids, told) else {}
    answered = {one: by_id.get(one) or in_order.get(one, _LEFT_OUT) for one in ids}
    problems = {one: found for one, found in answered.items() if failed(found)}
    busy = [one for one, found in problems.items() if code(found) == _NO_TIME]
    if busy and len(busy) == len(ids):
        raise _no_time(problems[busy[0]], RateLimited)
    return {
        one: _no_time(found, RecordBusy) if one in busy else refusal(found)
        for one, found in problems.items()
    }


def _is_in_order(ids: Sequence[str], told: Sequence[Mapping[str, Any]]) -> bool:
    """Whether each outcome can be of the record in its place, as far as they name any."""
    named = [str(details(one).get("id") or "") for one in told]
    return len(told) == len(ids) and all(
        failed(outcome) or name in ("", one)
        for one, name, outcome in zip(ids, named, told, strict=True)
    )


def refusal(problem: Mapping[str, Any]) -> WriteRefused:
    text = message(problem)
    if code(problem) == _NO_TIME:
        raise _no_time(problem, RateLimited)
    return RecordGone(text) if _is_about_a_missing_record(problem) else WriteRefused(text)


def _no_time(problem: Mapping[str, Any], kind: type[E]) -> E:
    return kind(message(problem), retry_after=CROWDED_S)


_LEFT_OUT: Mapping[str, Any] = {"message": "Zoho left the record out and did not say why"}


def _is_about_a_missing_record(problem: Mapping[str, Any]) -> bool:
    is_of_id = code(problem) == "INVALID_DATA" and details(problem).get("api_name") == "id"
    return is_of_id or code(problem) in _UNKNOWN


def _write_batch(api: ZohoApi, module: str, values: Values) -> Refusals:
    ids = list(values)
    try:
        answer = api.update(module, [{"id": one, **values[one]} for one in ids])
    except Refused as refused:
        # All records failed, each for a reason of its own; or the batch did, for one reason.
        if len(outcomes(refused.body)) == len(ids):
            return refusals_of(ids, refused.body)
        return _isolate(api, module, values, refused)
    return refusals_of(ids, answer)


def _isolate(api: ZohoApi, module: str, values: Values, refused: Refused) -> Refusals:
    """The guilty one is named, or alone, or found by halves."""
    ids = list(values)
    guilty = ids if len(ids) == 1 else _named(ids, refused.body)
    problem = refused.body if isinstance(refused.body, dict) else {"message": str(refused)}
    refusals: Refusals = {one: refusal(problem) for one in guilty}
    left = [one for one in ids if one not in guilty]
    for part in chunks(left, BATCH if guilty else (len(left) + 1) // 2):
        refusals |= _write_batch(api, module, {one: values[one] for one in part})
    return refusals


def _named(ids: Sequence[str], problem: Any) -> list[str]:
    """A path such as ``$.data[3].Emtiaz_score`` tells which of the records it is about."""
    at = _AT.match(str(details(problem).get("json_path", "")))
    index = int(at[1]) if at else len(ids)
    return [ids[index]] if index < len(ids) else []
