"""Setting fields in batches, of which each record is answered for by its place."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic, sleep
from typing import Any, TypeVar

from chalicelib.core.errors import (
    CrmStumbled,
    RateLimited,
    RecordBusy,
    RecordGone,
    WriteRefused,
)
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

K = TypeVar("K")

Values = Mapping[str, Mapping[str, Json]]
"""Field values by record id."""

Refusals = dict[str, WriteRefused | RecordBusy]
"""Why a record was not written, by its id; ``RecordGone`` where it is deleted or converted."""

LOCKED_S = (2.0, 5.0)
"""Before records that somebody else has locked are sent again: Salesforce itself has waited for ten
seconds, so at once would be too soon."""

SOON_S = 40.0
"""How long requests of one write are begun: each may take two minutes, and a worker has four."""

LOCKED_FOR_S = 60.0
"""Before those that stay locked are worth another write."""

APPROVED_IN_S = 15 * 60.0
"""Before a record that waits for somebody's approval is; it may wait for days."""

_GONE = frozenset({
    "ENTITY_IS_DELETED", "CANNOT_UPDATE_CONVERTED_LEAD", "NOT_FOUND",
})  # fmt: skip

_NO_SUCH_ID = "INVALID_CROSS_REFERENCE_KEY"
"""Of the record itself, unless it says in which field an id stands that there is not."""

_AWAITS_APPROVAL = "ENTITY_IS_LOCKED"

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


class SetUpRefused(WriteRefused):
    """Some field is not there, or not ours to write; or the record is not."""


def ends_at() -> float:
    """For a write that begins now, by the clock of ``monotonic``."""
    return monotonic() + SOON_S


def write(
    api: SalesforceApi, name: str, values: Values, ends: float, order: Sequence[str] = ()
) -> Refusals:
    """All records that are not in the answer were written. No request is begun after ``ends``.

    ``order`` keeps what would be in each other's way together, such as the contacts of an account,
    which each write of one of them locks.
    """

    def update(ids: Sequence[str]) -> Any:
        return api.update([{"attributes": {"type": name}, "id": one, **values[one]} for one in ids])

    refusals: Refusals = {}
    for ids in chunks(list(order) or sorted(values), BATCH):
        refused = carried_out(ids, update, ends)
        refusals |= {one: verdict(problem) for one, problem in refused.items()}
    return refusals


def refusal(problem: Any) -> WriteRefused:
    told, text = set(codes(problem)), message(problem)
    if told & _GONE or any(map(_is_of_itself, problems(problem))):
        return RecordGone(text)
    if _PERSON_ACCOUNT in told:
        return PersonAccountRefused(text)
    return SetUpRefused(text + _HINT) if told & _SETUP else WriteRefused(text)


def _is_of_itself(problem: Mapping[str, Any]) -> bool:
    return code(problem) == _NO_SUCH_ID and not problem.get("fields")


def is_passing(problem: Any) -> bool:
    """Whether what was refused may be taken another time. Raises RateLimited for all."""
    told = set(codes(problem))
    if LIMIT_EXCEEDED in told:
        raise RateLimited(message(problem), retry_after=LOCKED_FOR_S)
    in_automation = told & _AUTOMATION and any(one in message(problem) for one in PASSING)
    return bool(told & PASSING or in_automation)


def carried_out(items: Sequence[K], ask: Callable[[Sequence[K]], Any], ends: float) -> dict[K, Any]:
    """The errors of those that were refused, or stay busy: these are sent again after a while, and
    again after a longer one.

    ``ask`` sends some, and gives the outcome of each in its place.
    """
    found: dict[K, Any] = dict.fromkeys(items, _OUT_OF_TIME)
    left = list(items)
    for wait in (*LOCKED_S, None):
        if is_late(ends):
            break
        problems = _problems(left, ask)
        found = {one: why for one, why in found.items() if one not in left} | problems
        left = [one for one, problem in problems.items() if is_passing(problem)]
        if not left or wait is None:
            break
        sleep(wait + random.uniform(0, 1))  # noqa: S311 - spreads load, guards nothing
    return found


_OUT_OF_TIME = [
    {"statusCode": "REQUEST_RUNNING_TOO_LONG", "message": "what was written before took too long"}
]


def is_late(ends: float) -> bool:
    return monotonic() > ends


def too_late(ids: Iterable[str]) -> Refusals:
    return {one: verdict(_OUT_OF_TIME) for one in ids}


def verdict(problem: Any) -> WriteRefused | RecordBusy:
    if is_passing(problem):
        return RecordBusy(message(problem), retry_after=LOCKED_FOR_S)
    if _AWAITS_APPROVAL in codes(problem):
        return RecordBusy(message(problem), retry_after=APPROVED_IN_S)
    return refusal(problem)


def _problems(items: Sequence[K], ask: Callable[[Sequence[K]], Any]) -> dict[K, Any]:
    try:
        answer = ask(items)
    except Refused as refused:
        # The request as a whole: of what is told nothing can be said of one of them alone.
        return dict.fromkeys(items, refused.body or [{"message": str(refused)}])
    if not isinstance(answer, list) or len(answer) != len(items):
        raise CrmStumbled("it is not told of each record whether it was written", in_doubt=True)
    return {
        one: result.get("errors") or [{"message": "Salesforce did not say why"}]
        for one, result in zip(items, answer, strict=True)
        if not result.get("success")
    }
