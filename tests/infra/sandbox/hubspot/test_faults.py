from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.exceptions import ChunkedEncodingError

from infra.sandbox._serving.fault_plan import KINDS, Dice, FaultPlan, Strike
from infra.sandbox._serving.faults import Faults
from infra.sandbox.hubspot import StandIn
from tests.infra.sandbox.hubspot.conftest import Api

DETAILS = "/account-info/{v}/details"
STATIC = [kind for kind in KINDS if kind != "expired"]


def throws(plan: FaultPlan, times: int) -> list[Strike | None]:
    dice = Dice(plan)
    return [dice.throw(expirable=False) for _ in range(times)]


def plan(stand_in: StandIn, kind: str, **settings: object) -> None:
    stand_in.faults.follow(FaultPlan(share=1, kinds=[kind], **settings))


def rename(api: Api, contact: str, name: str) -> requests.Response:
    body = {"inputs": [{"id": contact, "properties": {"firstname": name}}]}
    return api.post("/crm/objects/{v}/contacts/batch/update", body)


def name_of(stand_in: StandIn, contact: str) -> str:
    return stand_in.portal.dump()["contacts"][int(contact) - 501]["properties"]["firstname"]


@pytest.fixture
def contact(api: Api) -> str:
    return api.load(contacts=[{"firstname": "Alice"}])["contacts"][0]


@given(seed=st.integers(), share=st.floats(0, 1))
def test_a_plan_strikes_alike_whenever_it_is_repeated(seed: int, share: float) -> None:
    unkind = FaultPlan(seed, share)

    assert throws(unkind, 50) == throws(unkind, 50)


@pytest.mark.parametrize("share", [0, 0.05, 0.5, 1])
def test_the_share_is_struck_and_kinds_are_equally_likely(share: float) -> None:
    found = Counter(one.kind for one in throws(FaultPlan(3, share), 20_000) if one)

    expected = 20_000 * share / len(STATIC)
    assert set(found) == (set(STATIC) if share else set())
    assert all(abs(times - expected) <= 5 * expected**0.5 for times in found.values())


def test_weights_make_kinds_more_likely() -> None:
    found = Counter(one.kind for one in throws(FaultPlan(3, 1, {"lost": 3, "slow": 1}), 4_000))

    assert found["lost"] == pytest.approx(3_000, abs=150)
    assert found["slow"] == 4_000 - found["lost"]


def test_gateways_hide_whether_the_work_was_done_and_an_overloaded_server_did_none() -> None:
    found = {(one.status, one.applied) for one in throws(FaultPlan(3, 1, ["5xx"]), 200)}

    assert found == {(502, True), (502, False), (503, False), (504, True), (504, False)}


def test_a_hung_request_is_applied_before_the_silence_or_never() -> None:
    assert {one.applied for one in throws(FaultPlan(3, 1, ["hang"]), 50)} == {True, False}


def test_a_static_token_never_expires() -> None:
    assert throws(FaultPlan(3, 1, ["expired"]), 50) == [None] * 50


@pytest.mark.parametrize("body", [{"kinds": ["rain"]}, {"kinds": []}, {"share": 2}, {"rain": 1}])
def test_impossible_plans_are_refused(api: Api, body: dict[str, object]) -> None:
    with pytest.raises(AssertionError, match=r"Response \[400\]"):
        api.control("PUT", "fault-plan", body)


def test_an_announced_429_has_hubspots_body_and_does_no_work(
    api: Api, stand_in: StandIn, contact: str
) -> None:
    plan(stand_in, "429")

    answer = rename(api, contact, "Anna")

    assert answer.status_code == 429
    assert answer.json()["errorType"] == "RATE_LIMIT"
    assert answer.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert name_of(stand_in, contact) == "Alice"


def test_a_gateway_error_looks_the_same_whether_the_work_was_done_or_not(
    api: Api, stand_in: StandIn, contact: str
) -> None:
    plan(stand_in, "5xx")

    for n in range(20):
        before = name_of(stand_in, contact)
        answer = rename(api, contact, f"Anna {n}")
        assert answer.status_code in (502, 503, 504)
        assert answer.json()["category"] == "INTERNAL_ERROR"
        assert name_of(stand_in, contact) in (before, f"Anna {n}")
    assert len(stand_in.portal.dump()["contacts"][0]["history"]["firstname"]) > 1


@pytest.mark.parametrize(("kind", "name"), [("close", "Alice"), ("lost", "Anna")])
def test_an_answer_is_lost_with_or_without_the_work(
    api: Api, stand_in: StandIn, contact: str, kind: str, name: str
) -> None:
    plan(stand_in, kind)

    with pytest.raises(requests.ConnectionError):
        rename(api, contact, "Anna")
    assert name_of(stand_in, contact) == name
    assert [(one.status, one.mishap) for one in stand_in.requests.entries()] == [(0, kind)]


def test_a_hang_outlasts_the_caller(api: Api, stand_in: StandIn, contact: str) -> None:
    plan(stand_in, "hang", hang_seconds=60)
    address = f"{api.url}/crm/objects/2026-03/contacts/{contact}"

    with pytest.raises(requests.ReadTimeout):
        api.session.get(address, timeout=0.05)
    stand_in.faults.clear()
    assert api.session.get(address, timeout=5).status_code == 200


def test_a_slow_answer_is_complete(api: Api, stand_in: StandIn, contact: str) -> None:
    plan(stand_in, "slow", slow_seconds=0.01)

    assert rename(api, contact, "Anna").json()["results"][0]["id"] == contact


def test_a_truncated_answer_breaks_as_a_body_or_as_json_and_the_work_is_done(
    api: Api, stand_in: StandIn, contact: str
) -> None:
    plan(stand_in, "truncated")
    seen = set()
    for n in range(12):
        with pytest.raises((ChunkedEncodingError, requests.JSONDecodeError)) as broken:
            rename(api, contact, f"Anna {n}").json()
        seen.add(isinstance(broken.value, requests.JSONDecodeError))
        assert name_of(stand_in, contact) == f"Anna {n}"

    assert seen == {True, False}


def test_what_struck_is_counted_until_the_next_plan(api: Api, stand_in: StandIn) -> None:
    api.control("PUT", "fault-plan", {"share": 0.5, "kinds": ["429", "5xx"], "seed": 1})
    statuses = [api.get(DETAILS).status_code for _ in range(40)]

    expected = {"429": statuses.count(429), "5xx": sum(one > 500 for one in statuses)}
    assert api.control("GET", "faults")["struck"] == stand_in.faults.struck() == expected
    assert 0 < sum(expected.values()) < 40
    api.control("PUT", "fault-plan", {"share": 0})
    assert stand_in.faults.struck() == {}


def test_other_routes_are_spared(api: Api, stand_in: StandIn, contact: str) -> None:
    plan(stand_in, "429", routes=["account-info", "batch/read"])

    assert api.get(DETAILS).status_code == 429
    assert rename(api, contact, "Anna").status_code == 200


def test_an_outage_turns_every_call_away_until_it_is_lifted(api: Api, contact: str) -> None:
    api.control("PUT", "outage", {})
    assert [api.get(DETAILS).status_code, rename(api, contact, "Anna").status_code] == [503, 503]
    api.control("PUT", "outage", {"mode": "close"})
    with pytest.raises(requests.ConnectionError):
        api.get(DETAILS)
    api.control("DELETE", "outage")

    assert api.get(DETAILS).status_code == 200
    assert len(api.control("GET", "faults")["outage_calls"]) == 1


def test_an_outage_lets_not_even_a_wrong_token_through(api: Api) -> None:
    api.session.headers["Authorization"] = "Bearer wrong"
    api.control("PUT", "outage", {})

    assert api.get(DETAILS).status_code == 503


def test_an_outage_notes_its_calls_and_ends_when_it_was_to_end() -> None:
    start = now = datetime(2026, 1, 1, tzinfo=UTC)
    faults = Faults(lambda: now)
    faults.outage(until=start + timedelta(seconds=3))

    met = []
    for second in range(5):
        now = start + timedelta(seconds=second)
        met.append(faults.outage_met() is not None)

    assert met == [True, True, True, False, False]
    gaps = [after - before for before, after in pairwise(faults.outage_calls())]
    assert gaps == [timedelta(seconds=1)] * 2


def test_an_unknown_outage_is_refused(api: Api) -> None:
    with pytest.raises(AssertionError, match="An outage is one of"):
        api.control("PUT", "outage", {"mode": "500"})
