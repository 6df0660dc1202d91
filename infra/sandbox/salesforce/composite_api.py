"""Several requests in one, which is a single call to whoever counts."""

from __future__ import annotations

from flask import Blueprint, current_app, request

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.gate import PART
from infra.sandbox.salesforce.rows_api import refused

MOST_PARTS = 25
MOST_HEAVY = 5
_HEAVY = ("/query", "/queryAll", "/composite/sobjects")


class CompositeApi:
    def blueprint(self) -> Blueprint:
        api = Blueprint("composite", __name__)
        api.post("/composite")(self.answer)
        return api

    def answer(self) -> Wire:
        """Parts that refer to others are not played here, nor is the undoing of all."""
        body = request_body.json_object(refused)
        parts = request_body.objects(body, "compositeRequest", refused)
        _refuse_too_many(parts)
        _refuse_unplayed(body, parts)
        return {"compositeResponse": [_answered(part) for part in parts]}


def _answered(part: Wire) -> Wire:
    answer = current_app.test_client().open(
        str(part["url"]),
        method=str(part["method"]),
        json=part.get("body"),
        headers={**dict(request.headers), **part.get("httpHeaders", {})},
        environ_overrides={PART: True},
    )
    return {
        "body": answer.get_json(silent=True),
        "httpHeaders": {},
        "httpStatusCode": answer.status_code,
        "referenceId": part["referenceId"],
    }


def _refuse_too_many(parts: list[Wire]) -> None:
    heavy = [one for one in parts if any(name in _path(one) for name in _HEAVY)]
    if not 1 <= len(parts) <= MOST_PARTS or len(heavy) > MOST_HEAVY:
        message = (
            f"at most {MOST_PARTS} subrequests, of which {MOST_HEAVY} are queries or collections"
        )
        raise ApiError("LIMIT_EXCEEDED", message)
    names = [one.get("referenceId") for one in parts]
    if None in names or len(set(names)) < len(names):
        raise ApiError("INVALID_INPUT", "Each subrequest needs a referenceId of its own")


def _refuse_unplayed(body: Wire, parts: list[Wire]) -> None:
    writes = any(one.get("method") != "GET" for one in parts)
    if body.get("allOrNone") and writes:
        raise ApiError("UNKNOWN_EXCEPTION", "the stand-in undoes no composite", status=501)
    if any("@{" in str(one) for one in parts):
        raise ApiError("UNKNOWN_EXCEPTION", "the stand-in knows no references", status=501)


def _path(part: Wire) -> str:
    return str(part.get("url", "")).partition("?")[0]
