"""Every route and every key: what is answered, and that it tells nothing of any customer."""

from dataclasses import replace

import pytest

from chalicelib.core.connector import Connection
from chalicelib.points.document import operations
from chalicelib.points.keys import make, parse
from tests.fakes.clock import NOON
from tests.fakes.points import BOTH, Shop
from tests.pipeline.conftest import CONNECTION

OTHER = "toy-other"
BODIES = {
    "quote": {"purchase": {"amount": {"amount": 100, "currency": "USD"}}},
    "redeem": {"points": 1},
    "cancel": {"redemption": "before"},
    "adjust": {"points": 1, "actor": "sara", "reason": "late"},
}
READS = ("balance", "statement", "quote")
WRITES = ("redeem", "cancel", "adjust")

OUTCOMES = {
    "none": (401, 401),
    "malformed": (401, 401),
    "basic": (401, 401),
    "unknown": (401, 401),
    "wrong secret": (401, 401),
    "revoked": (401, 401),
    "of another connection": (401, 401),
    "without a scope": (403, 403),
    "reads": (200, 403),
    "writes": (200, 200),
    "both": (200, 200),
}
"""By key: of routes that read, and of routes that write."""

TABLE = [
    pytest.param(name, kind, of_reads if name in READS else of_writes, id=f"{name}-{kind}")
    for kind, (of_reads, of_writes) in OUTCOMES.items()
    for name in (*READS, *WRITES)
]


@pytest.fixture
def shop():
    shop = Shop()
    account = Connection(OTHER, "toy", "2", "https://toy.example", "1", "USD", "UTC")
    shop.settings.put_connection(account)
    shop.redeem("before", points=1)
    return shop


SCOPES = {"reads": BOTH[:1], "writes": BOTH[1:], "both": BOTH, "without a scope": ()}


def headers(shop, kind):
    others = {
        "none": dict,
        "malformed": lambda: bearer("emk_short_x"),
        "basic": lambda: {"authorization": f"Basic {shop.key}"},
        "unknown": lambda: bearer(make("nobody", BOTH, NOON)[0]),
        "wrong secret": lambda: bearer(shop.key[:-1] + ("A" if shop.key[-1] != "A" else "B")),
        "of another connection": lambda: bearer(shop.make_key(BOTH, OTHER)),
        "revoked": lambda: bearer(revoked(shop)),
    }
    return others[kind]() if kind in others else bearer(shop.make_key(SCOPES[kind]))


def bearer(text):
    return {"authorization": f"Bearer {text}"}


def revoked(shop):
    text = shop.make_key(BOTH)
    key = shop.settings.api_key(CONNECTION, parse(f"Bearer {text}").id)
    shop.settings.put_api_key(CONNECTION, replace(key, revoked_at=NOON))
    return text


def ask(shop, name, given, who="1", **more):
    body = {"who": {"id": who}, **BODIES[name]} if name in BODIES else None
    query = {} if body else {"id": who}
    return shop.ask(name, body, credentials=given, **query, **more)


def test_the_table_has_every_route():
    assert set(READS + WRITES) == set(operations())
    assert {one.name for one in operations().values() if one.scope == "points:read"} == set(READS)


@pytest.mark.parametrize(("name", "kind", "status"), TABLE)
def test_every_route_answers_every_key_exactly(shop, name, kind, status):
    answer = ask(shop, name, headers(shop, kind))
    assert answer.status == status
    assert (answer.headers.get("WWW-Authenticate") == "Bearer") == (status == 401)


@pytest.mark.parametrize(
    ("name", "kind", "status"), [row for row in TABLE if row.values[2] in {401, 403}]
)
def test_who_may_not_is_told_the_same_of_everybody_and_nobody_is_looked_up(
    shop, name, kind, status
):
    given, loads = headers(shop, kind), shop.store.loads
    answers = [ask(shop, name, given, who) for who in ("1", "404", "toy-other:contact:1", " ")]
    answers.append(shop.ask(name, {"no": "such"}, credentials=given, method=method_of(name)))
    assert len({repr(answer) for answer in answers}) == 1
    assert shop.store.loads == loads


def method_of(name):
    return operations()[name].method


def test_a_refused_key_changes_nothing(shop):
    before = shop.points()
    for kind, (_, of_writes) in OUTCOMES.items():
        if of_writes != 200:
            ask(shop, "redeem", headers(shop, kind), idempotency="x")
    assert shop.points() == before


@pytest.mark.parametrize("name", [*READS, *WRITES])
@pytest.mark.parametrize("connection", ["toy-none", "Toy", "x" * 60, "toy-other"])
def test_a_connection_without_this_key_is_not_told_from_none(shop, name, connection):
    answer = ask(shop, name, bearer(shop.key), connection=connection)
    assert (answer.status, answer.body) == (401, ask(shop, name, {}).body)


def test_the_scheme_of_a_key_may_be_spelled_in_any_case(shop):
    """By RFC 7235, and as proxies do."""
    assert ask(shop, "balance", {"authorization": f"bearer {shop.key}"}).status == 200


def test_a_refusal_never_repeats_the_key(shop):
    answer = ask(shop, "redeem", bearer(shop.make_key(("points:read",))))
    assert "emk_" not in str(answer)


def test_what_has_not_the_form_of_a_key_costs_no_read(shop):
    shop.settings.api_key = None
    assert ask(shop, "balance", headers(shop, "malformed")).status == 401


def test_a_key_is_kept_without_its_secret(shop):
    (key,) = shop.settings.api_keys(CONNECTION)
    secret = shop.key.rpartition(key.id)[2].strip("_")
    assert len(secret) == 43
    assert secret not in str(key.to_json())
    assert secret not in repr(parse(f"Bearer {shop.key}"))
