from __future__ import annotations

from datetime import timedelta
from threading import Thread
from time import sleep

import pytest
import requests

from infra.sandbox._serving.fault_plan import KINDS, FaultPlan
from infra.sandbox.zoho import StandIn
from infra.sandbox.zoho.editions import EDITIONS
from infra.sandbox.zoho.errors import ApiError
from infra.sandbox.zoho.limits import Concurrency
from tests.infra.sandbox.zoho.conftest import Api, code, people

EVERY = {"fields": "Email"}


def test_credits_run_out_for_a_day_and_only_the_words_tell(
    zoho: StandIn, api: Api, ann: str
) -> None:
    zoho.credits.leave(1)
    assert api.get("Contacts", **EVERY).ok
    refused = api.get("Contacts", **EVERY)

    assert code(refused) == (429, "TOO_MANY_REQUESTS")
    assert "24 hours" in refused.json()["message"]
    assert "Retry-After" not in refused.headers
    zoho.clock.advance(timedelta(hours=24))
    assert zoho.credits.left() == zoho.credits.limit


def test_writes_cost_a_credit_for_ten_records_and_queries_by_their_limit(
    zoho: StandIn, api: Api
) -> None:
    rows = [{"id": one, "Title": "CEO"} for one in people(zoho, 25)]

    full = zoho.credits.left()
    assert api.write("Contacts", *rows).ok
    assert full - zoho.credits.left() == 3
    assert api.query("select id from Contacts where id is not null limit 2000").ok
    assert full - zoho.credits.left() == 6


def test_what_is_left_is_told_when_half_is_gone(zoho: StandIn, api: Api, ann: str) -> None:
    assert "X-API-CREDITS-REMAINING" not in api.get("Contacts", **EVERY).headers
    zoho.credits.leave(10)

    assert api.get("Contacts", **EVERY).headers["X-API-CREDITS-REMAINING"] == "9"
    assert int(api.get("org").headers["X-ACCESSTOKEN-RESET"]) > 10**12


def test_complex_calls_are_ten_at_a_time_and_all_by_edition() -> None:
    concurrency = Concurrency(EDITIONS["enterprise"])
    entered = [concurrency.enter(is_complex=True) for _ in range(10)]

    with pytest.raises(ApiError, match="sub-concurrency"):
        concurrency.enter(is_complex=True)
    plain = [concurrency.enter(is_complex=False) for _ in range(10)]
    with pytest.raises(ApiError, match="the concurrency limit"):
        concurrency.enter(is_complex=False)
    for names in (*entered, *plain):
        concurrency.leave(names)
    assert concurrency.enter(is_complex=True)


def test_calls_leave_when_they_are_done(zoho: StandIn, api: Api, ann: str) -> None:
    for _ in range(30):
        assert api.get("Contacts", **EVERY).ok
        assert api.get("Contacts").status_code == 400

    assert zoho.concurrency.most == {"concurrency": 1, "sub-concurrency": 0}


def test_calls_at_the_same_time_are_counted(zoho: StandIn, api: Api, ann: str) -> None:
    zoho.concurrency.allow(1)
    text = {"select_query": "select id from Contacts where id is not null"}
    statuses: list[int] = []

    def ask() -> None:
        answer = requests.post(
            f"{zoho.url}/crm/v8/coql", json=text, headers=dict(api.session.headers), timeout=5
        )
        statuses.append(answer.status_code)

    threads = [Thread(target=ask) for _ in range(12)]
    with zoho.org.lock:  # whoever is in waits here
        for one in threads:
            one.start()
        while zoho.concurrency.refused < 11:
            sleep(0.001)
    for one in threads:
        one.join()
    assert sorted(statuses) == [200] + [429] * 11


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_strikes(zoho: StandIn, api: Api, ann: str, kind: str) -> None:
    plan = FaultPlan(share=1.0, kinds=[kind], routes=["/Contacts"], hang_seconds=0.05,
                     slow_seconds=0.05)  # fmt: skip
    zoho.faults.follow(plan)
    try:
        answer = api.get("Contacts", **EVERY)
        said: object = answer.status_code if not answer.ok else answer.text[-1:]
    except requests.RequestException:
        said = None
    zoho.faults.clear()

    expected = {
        "429": [429], "5xx": [502, 503, 504], "slow": ["\n"], "expired": [401],
        "truncated": [None, "0", '"', ",", "e"],
    }  # fmt: skip
    assert said in expected.get(kind, [None]) or kind == "truncated"
    assert zoho.faults.struck() == {kind: 1}


def test_an_outage_is_noted_until_it_is_lifted(zoho: StandIn, api: Api, ann: str) -> None:
    zoho.faults.outage()
    assert api.get("Contacts", **EVERY).status_code == 503
    zoho.faults.lift()

    assert api.get("Contacts", **EVERY).ok
    assert len(zoho.faults.outage_calls()) == 1


def test_requests_are_counted_by_module_and_role(zoho: StandIn, api: Api, ann: str) -> None:
    zoho.requests.reset()
    api.get("Contacts", **EVERY)
    api.get(f"Contacts/{ann}")
    api.get(f"Contacts/{ann}/Deals", fields="Stage")

    assert zoho.requests.counts() == {
        "GET /crm/v8/Contacts": 1,
        "GET /crm/v8/Contacts/{record_id}": 1,
        "GET /crm/v8/Contacts/{record_id}/Deals": 1,
    }
