"""Setting fields in batches, of which each record is answered for by its place."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from time import monotonic, sleep
from typing import Any

from chalicelib.core.errors import CrmStumbled, RateLimited, RecordGone, WriteRefused
from chalicelib.core.model import Json
from connectors._http import Refused
from connectors.salesforce.answers import (
    LIMIT_EXCEEDED,
    PASSING,
    code,
    codes,
    message,
    problems,
)
from connectors.salesforce.api import BATCH, SalesforceApi, chunks

Values = Mapping[str, Mapping[str, Json]]
"""Field values by record id."""

Refusals = dict[str, WriteRefused]
"""Why a record was not written, by its id; ``RecordGone`` where it is deleted or converted."""

LOCKED_S = (2.0, 5.0)
"""Before records that somebody else has locked are sent again: Salesforce itself has waited for ten
seconds, so at once would be too soon."""

SOON_S = 40.0
"""How long locked records are sent again: a request may take minutes, and a worker has four."""

LOCKED_FOR_S = 60.0
"""Before they come again with all that was written beside them."""

_GONE = frozenset({
    "ENTITY_IS_DELETED", "CANNOT_UPDATE_CONVERTED_LEAD", "NOT_FOUND",
})  # fmt: skip

_NO_SUCH_ID = "INVALID_CROSS_REFERENCE_KEY"
"""Of the record itself, unless it says in which field an id stands that there is not."""

_AUTOMATION = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER"})
"""A trigger or flow of the organisation failed, maybe over a lock, which its text tells."""

_SETUP = frozenset({
    "INVALID_FIELD", "INVALID_FIELD_FOR_INSERT_UPDATE", "FIELD_NOT_UPDATABLE",
    "INSUFFICIENT_ACCESS_OR_READONLY", "INVALID_TYPE",
})  # fmt: skip

_PERSON_ACCOUNT = "INVALID_PERSON_ACCOUNT_OPERATION"

_HINT = "; is our project deployed, and does the integration user have its permission set?"


class PersonAccountRefused(WriteRefused):
    """The contact is one with its account, by which it is to be written."""


def write(api: SalesforceApi, name: str, values: Values, order: Sequence[str] = ()) -> Refusals:
    """All records that are not in the answer were written.

    ``order`` keeps what would be in each other's way together, such as the contacts of an account,
    which each write of one of them locks. Raises RateLimited where some records stay locked, or
    Salesforce had no time for them: then all are to be written again.
    """
    refusals: Refusals = {}
    for ids in chunks(list(order) or sorted(values), BATCH):
        refusals |= _write_batch(api, name, {one: values[one] for one in ids})
    return refusals


def refusal(problem: Any) -> WriteRefused:
    told, text = set(codes(problem)), message(problem)
    if told & _GONE or any(map(_is_of_itself, problems(problem))):
        return RecordGone(text)
    if _PERSON_ACCOUNT in told:
        return PersonAccountRefused(text)
    return WriteRefused(text + _HINT if told & _SETUP else text)


def _is_of_itself(problem: Mapping[str, Any]) -> bool:
    return code(problem) == _NO_SUCH_ID and not problem.get("fields")


def is_passing(problem: Any) -> bool:
    """Whether what was refused may be taken another time. Raises RateLimited."""
    told = set(codes(problem))
    if LIMIT_EXCEEDED in told:
        raise RateLimited(message(problem), retry_after=LOCKED_FOR_S)
    in_automation = told & _AUTOMATION and any(one in message(problem) for one in PASSING)
    return bool(told & PASSING or in_automation)


def _write_batch(api: SalesforceApi, name: str, values: Values) -> Refusals:
    refusals: Refusals = {}
    left, began = list(values), monotonic()
    for wait in (*LOCKED_S, None):
        problems = _sent(api, name, {one: values[one] for one in left})
        left = [one for one, problem in problems.items() if is_passing(problem)]
        refusals |= {one: refusal(problems[one]) for one in problems if one not in left}
        if not left:
            return refusals
        if wait is None or monotonic() - began > SOON_S:
            break
        sleep(wait + random.uniform(0, 1))  # noqa: S311 - spreads load, guards nothing
    raise RateLimited(f"{len(left)} records stay locked", retry_after=LOCKED_FOR_S)


def _sent(api: SalesforceApi, name: str, values: Values) -> Mapping[str, Any]:
    """The errors of those that were not written, by id."""
    rows = [{"attributes": {"type": name}, "id": one, **fields} for one, fields in values.items()]
    try:
        answer = api.update(rows)
    except Refused as refused:
        # The request as a whole: of what is told nothing can be said of one of them alone.
        return dict.fromkeys(values, refused.body or [{"message": str(refused)}])
    if not isinstance(answer, list) or len(answer) != len(rows):
        raise CrmStumbled("it is not told of each record whether it was written", in_doubt=True)
    return {
        one: result.get("errors") or [{"message": "Salesforce did not say why"}]
        for one, result in zip(values, answer, strict=True)
        if not result.get("success")
    }
