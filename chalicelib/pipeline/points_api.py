"""The Points API: who asks and may, what for, and what is answered, also where it goes wrong.

Nothing is looked up for who has no key, so whether there is a customer is told to nobody who may
not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib import logs
from chalicelib.core.errors import (
    BodyTooLarge,
    ConfigurationError,
    PayloadInvalid,
    Rejected,
    Retryable,
    UnsupportedMedia,
)
from chalicelib.core.facts import iso
from chalicelib.core.model import Json, Ref
from chalicelib.events.body import strict_json
from chalicelib.loyalty.instructions import Instruction
from chalicelib.pipeline.authorize import authorize
from chalicelib.pipeline.customers import named
from chalicelib.pipeline.points import LINES_AT_ONCE, balance, lines_of, quote
from chalicelib.pipeline.redeem import carry_out_for
from chalicelib.pipeline.services import Services
from chalicelib.points.answers import entry_json, line_json, offer_json, problem, problem_json
from chalicelib.points.asked import (
    KEY_HEADER,
    Body,
    checked_body,
    checked_key,
    checked_query,
    purchase,
    wanted,
    who,
)
from chalicelib.points.document import Operation, operations
from chalicelib.points.keys import PREFIX, KeyRefused

BODY_LIMIT = 64 * 1024
MEDIA_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 1.0


class NoSuchOperation(Rejected):
    status = 404


class WrongMethod(Rejected):
    status = 405

    def __init__(self, allowed: str) -> None:
        super().__init__(f"send {allowed}")
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class PointsRequest:
    """``name`` is the last part of the path; ``headers`` have names in lower case."""

    connection: str
    name: str
    method: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Mapping[str, Json]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request of somebody who may, in a sound form."""

    customer: Ref
    query: Mapping[str, str]
    body: Body
    key: str
    by: str


def answer_points(request: PointsRequest, services: Services) -> Answer:
    """Every expected fault is an answer too."""
    try:
        return Answer(200, _answered(request, services), _headers(MEDIA_TYPE))
    except Rejected as error:
        return _refused(error)
    except Retryable as error:
        logs.warning("points: not now", reason=str(error))
        seconds = str(max(round(error.retry_after or RETRY_SECONDS), 1))
        told = problem(503, "try again, with the same Idempotency-Key")
        return Answer(503, told, _headers(PROBLEM_TYPE) | {"Retry-After": seconds})
    except ConfigurationError:
        logs.exception("points: not installed rightly")
        return Answer(500, problem(500, "something is not set up"), _headers(PROBLEM_TYPE))


def _answered(request: PointsRequest, services: Services) -> dict[str, Json]:
    operation = _operation(request)
    given = request.headers.get("authorization", "")
    key = authorize(request.connection, given, operation.scope, services.settings)
    asked = _asked(request, operation, f"{PREFIX}_{key.id}", services)
    told = _carried_out(operation, asked, services)
    logs.info("points", connection=request.connection, operation=operation.name, key=key.id)
    return told


def _operation(request: PointsRequest) -> Operation:
    operation = operations().get(request.name)
    if operation is None:
        raise NoSuchOperation(f"there are {', '.join(operations())}")
    if request.method != operation.method:
        raise WrongMethod(operation.method)
    return operation


def _asked(request: PointsRequest, operation: Operation, by: str, services: Services) -> _Asked:
    query = checked_query(request.query, operation)
    key = ""
    if operation.is_keyed:
        key = checked_key(request.headers.get(KEY_HEADER.lower()), operation)
    body = checked_body(_json(request), operation) if operation.body else {}
    customer = named(request.connection, *who(query, body), services)
    return _Asked(customer, query, body, key, by)


def _json(request: PointsRequest) -> Json:
    if len(request.body) > BODY_LIMIT:
        raise BodyTooLarge(f"the body has {len(request.body)} bytes, the limit is {BODY_LIMIT}")
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise UnsupportedMedia(f"send {MEDIA_TYPE}")
    value: Json = strict_json(request.body)
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as fault:
        raise PayloadInvalid("the body holds half of a surrogate pair") from fault
    return value


def _carried_out(operation: Operation, asked: _Asked, services: Services) -> dict[str, Json]:
    match operation.name:
        case "balance":
            return balance_json(asked.customer, services)
        case "statement":
            before, limit = asked.query.get("before"), asked.query.get("limit", LINES_AT_ONCE)
            page = int(before) if before else None
            return statement_json(asked.customer, services, before=page, limit=int(limit))
        case "quote":
            return quote_json(asked.customer, purchase(asked.body), services)
    instruction = Instruction(asked.key, asked.by, wanted(asked.body, operation.name))
    return entry_json(carry_out_for(asked.customer, instruction, services))


def balance_json(customer: Ref, services: Services) -> dict[str, Json]:
    told = balance(customer, services)
    known = {"customer": str(told.customer), "at": iso(told.standing.at)}
    return {**known, **told.standing.to_json()}


def statement_json(
    customer: Ref, services: Services, *, before: int | None, limit: int
) -> dict[str, Json]:
    told = lines_of(customer, services, before=before, limit=limit)
    lines: list[Json] = [line_json(*one) for one in told.lines]
    return {
        "customer": str(told.customer),
        "at": iso(told.at),
        "lines": lines,
        "before": told.before,
    }


def quote_json(customer: Ref, bought: Mapping[str, Json], services: Services) -> dict[str, Json]:
    told = quote(customer, bought, services)
    rewards: list[Json] = [offer_json(one, told.reach) for one in told.offers]
    return {
        "customer": str(told.customer),
        "at": iso(told.at),
        "points": told.points,
        "pending": told.pending,
        "now": told.now.to_json(),
        "then": told.then.to_json(),
        "rewards": rewards,
    }


def _refused(error: Rejected) -> Answer:
    logs.warning("points: refused", status=error.status, reason=type(error).__name__)
    headers = _headers(PROBLEM_TYPE)
    if isinstance(error, KeyRefused):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, WrongMethod):
        headers["Allow"] = error.allowed
    return Answer(error.status, problem_json(error), headers)


def _headers(media_type: str) -> dict[str, str]:
    """What is told of a customer is for the caller alone, and only for now."""
    return {"Content-Type": media_type, "Cache-Control": "no-store"}
