"""The document of the Points API is what its routes do, also by who tries to prove otherwise."""

import copy
import json
import re
from collections import Counter, defaultdict
from itertools import count
from pathlib import Path

import pytest
import schemathesis
from chalice.test import Client
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

import app
from chalicelib.points import answers
from chalicelib.points.document import document, operations
from tests.fakes.points import Shop
from tests.fakes.wsgi import application
from tests.pipeline.conftest import CONNECTION

PAGE = Path("docs/reference/points.openapi.json")
HOW_TO = Path("docs/how-to/spend-points.md").read_text("utf-8")
EXAMPLES = 20
WHO = "512"
SEEN = defaultdict(Counter)
"""By operation: how often each status was answered."""
NUMBERS = count()

# Whoever is unknown is unknown: an id in a sound form need not be a customer's.
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.ignored_auth,
    checks.missing_required_header,
]
schema = schemathesis.openapi.from_dict(copy.deepcopy(dict(document())))
schema.app = application


@pytest.fixture(scope="module")
def shop():
    with pytest.MonkeyPatch.context() as patch:
        shop = Shop()
        shop.customer(WHO, dollars=10**9)
        patch.setattr(app, "services", lambda: shop.services)
        yield shop


def bearer(shop):
    return {"Authorization": f"Bearer {shop.key}"}


def tried(name):
    """A test of its own for each operation: run side by side, equal names would be run once."""

    @schema.include(path=f"/points/{{connection}}/{name}").parametrize()
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def nothing_is_answered_otherwise_than_the_document_says(case, shop):
        case.path_parameters["connection"] = CONNECTION
        if case.meta.generation.mode is GenerationMode.POSITIVE:
            of_a_customer(case, shop)
        answer = case.call_and_validate(headers=bearer(shop), checks=CHECKS)
        SEEN[name][answer.status_code] += 1

    return nothing_is_answered_otherwise_than_the_document_says


test_balance = tried("balance")
test_statement = tried("statement")
test_quote = tried("quote")
test_redeem = tried("redeem")
test_cancel = tried("cancel")
test_adjust = tried("adjust")


def of_a_customer(case, shop):
    """Chance alone would hit nobody, and cancel what nobody has redeemed."""
    if not case.operation.definition.raw.get("requestBody"):
        for name in ("email", "phone"):
            case.query.pop(name, None)
        case.query["id"] = WHO
    if isinstance(case.body, dict):
        case.body["who"] = {"id": WHO}
    if case.operation.path.endswith("/cancel"):
        number = next(NUMBERS)
        shop.redeem(f"r{number}", WHO, points=1)
        case.body["redemption"] = f"r{number}"
        case.headers["Idempotency-Key"] = f"c{number}"


def test_every_operation_was_tried_with_success_and_without():
    assert set(SEEN) == set(operations())
    for name, statuses in SEEN.items():
        assert {200, 400} <= set(statuses), (name, statuses)


def test_the_published_document_is_the_one_that_requests_are_checked_by():
    assert json.loads(PAGE.read_text("utf-8")) == document(), "run: make docs"


def test_the_document_and_the_routes_have_the_same_operations(shop):
    with Client(app.app) as client:
        for name, operation in operations().items():
            address = f"/points/{CONNECTION}/{name}"
            assert client.http.request(operation.method, address).status_code == 401
            other = {"GET": "POST", "POST": "GET"}[operation.method]
            refused = client.http.request(other, address)
            assert (refused.status_code, refused.headers["Allow"]) == (405, operation.method)
        unknown = client.http.get(f"/points/{CONNECTION}/steal", headers=bearer(shop))
    assert unknown.status_code == 404


def test_every_answer_and_every_fault_is_described():
    for path, methods in document()["paths"].items():
        (told,) = methods.values()
        assert path == f"/points/{{connection}}/{told['operationId']}"
        assert set(told["responses"]) >= {"200", "400", "401", "403", "404", "409", "503"}
        assert told["security"] == [{"key": []}]


@pytest.mark.parametrize("name", sorted(document()["components"]["schemas"]))
def test_every_schema_is_one(name):
    Draft202012Validator.check_schema(document()["components"]["schemas"][name])


def test_a_write_wants_an_idempotency_key_and_a_read_wants_none():
    keyed = {name for name, one in operations().items() if one.is_keyed}
    assert keyed == {name for name, one in operations().items() if one.scope == "points:write"}


def valid(value, name):
    components = document()["components"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    Draft202012Validator(schema).validate(value)


def test_the_how_to_page_shows_requests_and_answers_of_the_document():
    (sent,) = re.findall(r"^(\{.*\})\n```$", HOW_TO.split("```json")[0], re.MULTILINE)
    valid(json.loads(sent), "RedeemRequest")
    (answer,) = re.findall(r"```json\n(.*?)```", HOW_TO, re.DOTALL)
    valid(json.loads(answer), "Redemption")
    for name, operation in operations().items():
        assert re.search(rf"`{operation.method} [^`]*/{name}[?`]", HOW_TO), name


def test_the_how_to_page_names_every_type_of_problem():
    for word in answers._TYPES.values():
        assert f"`{word}`" in HOW_TO
