from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.portal import AppToken, Portal, Settings
from infra.sandbox.hubspot.records import CONTACTS, DEALS, Actor
from infra.sandbox.hubspot.search import search_from
from tests.infra.sandbox.hubspot.conftest import Api

SEARCH = "/crm/objects/{v}/contacts/search"
USER = Actor.user(77)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def condition(name: str, operator: str, **operands: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, **operands}


def having(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"filterGroups": [{"filters": list(conditions)}]}


@pytest.fixture
def patient(api: Api) -> Api:
    """An account in which one may search as often as one likes."""
    api.control("PUT", "search-limit", {"calls": 1_000, "seconds": 1})
    return api


@pytest.fixture
def people(patient: Api) -> dict[str, str]:
    """Names by id; Zahra came first, and Nobody has no property at all."""
    rows = [
        ("1", "2025-01-01", {"firstname": "Zahra", "email": "z@example.com", "hs_email_open": "9"}),
        ("2", "2025-01-03", {"firstname": "Anna", "lifecyclestage": "lead", "hs_email_open": "10"}),
        ("3", "2025-01-02", {"firstname": "anna", "hs_email_last_open_date": "2026-02-03"}),
        ("4", "2025-01-04", {}),
    ]
    loaded = [{"id": key, "created_at": at, "properties": values} for key, at, values in rows]
    patient.control("POST", "load", {"contacts": loaded})
    return {"1": "Zahra", "2": "Anna", "3": "anna", "4": "Nobody"}


def ids(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["results"]]


def test_an_empty_search_finds_everybody_oldest_first(patient: Api, people: dict[str, str]) -> None:
    answer = patient.post(SEARCH, {})

    assert ids(answer) == ["1", "3", "2", "4"]
    assert answer.json()["total"] == 4
    assert "paging" not in answer.json()
    assert answer.json()["results"][0]["properties"].keys() == {
        "firstname", "lastname", "email", "lastmodifieddate", "hs_object_id", "createdate",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (condition("firstname", "EQ", value="ANNA"), {"2", "3"}),
        (condition("firstname", "NEQ", value="anna"), {"1", "4"}),
        (condition("hs_email_open", "GT", value="9"), {"2"}),
        (condition("hs_email_open", "GTE", value="9.0"), {"1", "2"}),
        (condition("hs_email_open", "LT", value="10"), {"1"}),
        (condition("hs_email_open", "LTE", value="10"), {"1", "2"}),
        (condition("hs_email_open", "BETWEEN", value="9.5", highValue="10"), {"2"}),
        (condition("hs_email_open", "IN", values=["10", "11"]), {"2"}),
        (condition("firstname", "IN", values=["anna", "bert"]), {"2", "3"}),
        (condition("firstname", "IN", values=["Anna"]), set()),
        (condition("firstname", "NOT_IN", values=["anna"]), {"1", "4"}),
        (condition("lifecyclestage", "EQ", value="lead"), {"2"}),
        (condition("lifecyclestage", "EQ", value="Lead"), set()),
        (condition("email", "HAS_PROPERTY"), {"1"}),
        (condition("email", "NOT_HAS_PROPERTY"), {"2", "3", "4"}),
        (condition("hs_email_last_open_date", "GTE", value="1770076800000"), {"3"}),
        (condition("hs_email_last_open_date", "LT", value="2026-02-03T00:00:00Z"), set()),
        (condition("createdate", "GT", value="2025-01-02T00:00:00.000Z"), {"2", "4"}),
        (condition("hs_object_id", "GT", value="2"), {"3", "4"}),
    ],
    ids=lambda case: f"{case['propertyName']} {case['operator']}" if "operator" in case else "",
)
def test_operators_compare_by_the_type_of_the_property(
    patient: Api, people: dict[str, str], wanted: dict[str, Any], found: set[str]
) -> None:
    assert set(ids(patient.post(SEARCH, having(wanted)))) == found


def test_the_filters_of_a_group_must_all_pass_and_one_group_is_enough(
    patient: Api, people: dict[str, str]
) -> None:
    body = {
        "filterGroups": [
            {
                "filters": [
                    condition("firstname", "EQ", value="anna"),
                    condition("lifecyclestage", "NOT_HAS_PROPERTY"),
                ]
            },
            {"filters": [condition("email", "HAS_PROPERTY")]},
        ]
    }

    assert ids(patient.post(SEARCH, body)) == ["1", "3"]


def test_a_chosen_option_of_many_is_found(patient: Api) -> None:
    options = [
        {"label": one, "value": one, "displayOrder": 0, "hidden": False} for one in ("a", "b", "c")
    ]
    patient.post(
        "/crm/properties/{v}/contacts",
        {
            "name": "own_tags", "label": "Tags", "type": "enumeration", "fieldType": "checkbox",
            "groupName": "contactinformation", "options": options,
        },
    )  # fmt: skip
    first, second = patient.load(contacts=[{"own_tags": "a;b"}, {"own_tags": "c"}])["contacts"]

    assert ids(patient.post(SEARCH, having(condition("own_tags", "EQ", value="b")))) == [first]
    assert ids(patient.post(SEARCH, having(condition("own_tags", "NEQ", value="b")))) == [second]


def test_a_query_looks_through_the_texts_that_people_search(
    patient: Api, people: dict[str, str]
) -> None:
    assert ids(patient.post(SEARCH, {"query": "EXAMPLE"})) == ["1"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ({"propertyName": "hs_email_open", "direction": "ASCENDING"}, ["1", "2", "3", "4"]),
        ({"propertyName": "hs_email_open", "direction": "DESCENDING"}, ["2", "1", "3", "4"]),
        ("-createdate", ["4", "2", "3", "1"]),
    ],
)
def test_one_sort_orders_the_results_and_leaves_the_empty_for_last(
    patient: Api, people: dict[str, str], sort: Any, order: list[str]
) -> None:
    assert ids(patient.post(SEARCH, {"sorts": [sort]})) == order


def test_only_asked_properties_come_back(patient: Api, people: dict[str, str]) -> None:
    found = patient.post(SEARCH, {"properties": ["jobtitle", "undefined"], "limit": 1}).json()

    assert found["results"][0]["properties"].keys() == {
        "jobtitle", "hs_object_id", "createdate", "lastmodifieddate",
    }  # fmt: skip


def test_pages_hold_everything_once_and_tell_the_total_each_time(patient: Api) -> None:
    loaded = patient.load(contacts=[{} for _ in range(25)])["contacts"]
    found: list[str] = []
    body: dict[str, Any] = {}
    while True:
        answer = patient.post(SEARCH, body)
        found += ids(answer)
        assert answer.json()["total"] == 25
        if "paging" not in answer.json():
            break
        body = {"after": answer.json()["paging"]["next"]["after"]}

    assert found == loaded
    assert body == {"after": "20"}


def test_deals_are_searched_by_what_hubspot_computes(patient: Api) -> None:
    won, _ = patient.load(deals=[{"dealstage": "closedwon"}, {"dealstage": "closedlost"}])["deals"]
    body = having(condition("hs_is_closed_won", "EQ", value="true"))

    assert ids(patient.post("/crm/objects/{v}/0-3/search", body)) == [won]


def test_archived_records_never_appear(patient: Api, people: dict[str, str]) -> None:
    patient.delete("/crm/objects/{v}/contacts/2")

    assert ids(patient.post(SEARCH, having(condition("firstname", "EQ", value="anna")))) == ["3"]
    assert patient.post(SEARCH, {}).json()["total"] == 3


EMAIL = condition("email", "HAS_PROPERTY")


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": [{"filters": [EMAIL]}] * 6},
        {"filterGroups": [{"filters": [EMAIL] * 7}]},
        {"filterGroups": [{"filters": [EMAIL] * 5}] * 3 + [{"filters": [EMAIL] * 4}]},
        {"filterGroups": [{"filters": []}]},
        {"filterGroups": {"filters": [EMAIL]}},
        {"filters": [EMAIL]},
        {"sorts": ["email", "createdate"]},
        {"sorts": ["nonsense"]},
        {"sorts": [{"propertyName": "email", "direction": "UP"}]},
        {"limit": 201},
        {"limit": 0},
        {"limit": "10"},
        {"after": 10},
        {"after": "ten"},
        {"after": "-1"},
        {"after": "۱۰"},
        {"after": "9999", "limit": 2},
        {"after": "10000"},
        {"query": 1},
        having(condition("nonsense", "HAS_PROPERTY")),
        having(condition("email", "LIKES", value="x")),
        having(condition("email", "EQ")),
        having(condition("email", "EQ", value=1)),
        having(condition("email", "IN", value="x")),
        having(condition("email", "IN", values=[])),
        having(condition("hs_email_open", "BETWEEN", value="1")),
        having(condition("hs_email_open", "GT", value="many")),
        having(condition("createdate", "GT", value="yesterday")),
        {"query": "x" * 2_988},
    ],
    ids=lambda body: str(body)[:60],
)
def test_what_the_guide_does_not_allow_is_refused(patient: Api, body: dict[str, Any]) -> None:
    answer = patient.post(SEARCH, body)

    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "body",
    [
        {"filterGroups": [{"filters": [EMAIL] * 6}] * 3},
        {"filterGroups": [{"filters": [EMAIL] * 3}] * 5},
        {"limit": 200, "after": "9800"},
        {"query": "x" * 2_987},
    ],
    ids=lambda body: str(body)[:60],
)
def test_what_the_guide_just_allows_is_taken(patient: Api, body: dict[str, Any]) -> None:
    assert patient.post(SEARCH, body).status_code == 200


def test_the_total_goes_on_where_the_results_end(stand_in: StandIn, patient: Api) -> None:
    for _ in range(10_001):
        stand_in.portal.load(CONTACTS, {})

    last = patient.post(SEARCH, {"limit": 1, "after": "9999"}).json()

    assert last["total"] == 10_001
    assert patient.post(SEARCH, {"limit": 1, **last["paging"]["next"]}).status_code == 400


def test_an_account_searches_five_times_a_second_whatever_it_searches(api: Api) -> None:
    api.control("PUT", "search-limit", {"calls": 5, "seconds": 60})

    answers = [
        api.post(f"/crm/objects/{{v}}/{kind}/search", {})
        for kind in ("contacts", "companies", "deals", "contacts", "0-1", "0-3")
    ]

    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert answers[5].json()["policyName"] == "SECONDLY"
    assert answers[5].json()["message"] == "You have reached your secondly limit."
    for answer in answers:
        assert not [name for name in answer.headers if "ratelimit" in name.lower()]
        assert "Retry-After" not in answer.headers


def test_five_searches_a_second_is_the_limit_unless_told_otherwise(stand_in: StandIn) -> None:
    assert (stand_in.search_limit.rate.calls, stand_in.search_limit.rate.seconds) == (5, 1.0)


def test_searches_and_other_calls_do_not_use_up_each_others_limit(api: Api) -> None:
    api.control("PUT", "rate-limit", {"calls": 1, "seconds": 60})
    api.control("PUT", "search-limit", {"calls": 1, "seconds": 60})

    assert api.post(SEARCH, {}).status_code == 200
    assert api.get("/crm/objects/{v}/contacts").status_code == 200
    assert api.get("/crm/objects/{v}/contacts").status_code == 429


def test_reading_scope_is_enough_to_search() -> None:
    tokens = {"t": AppToken(1, frozenset({"crm.objects.contacts.read"}))}
    with StandIn.start(settings=Settings(tokens=tokens)) as stand_in, requests.Session() as session:
        session.headers["Authorization"] = "Bearer t"
        api = Api(stand_in.url, session)
        allowed, forbidden = api.post(SEARCH, {}), api.post("/crm/objects/{v}/deals/search", {})

    assert (allowed.status_code, forbidden.status_code) == (200, 403)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_index_is_behind_by_as_much_as_it_is_told(clock: Clock) -> None:
    portal = Portal(Settings(index_lag=timedelta(seconds=5)), clock)
    contact = portal.create(CONTACTS, {"firstname": "Anna"}, USER)
    assert portal.indexed(CONTACTS) == ()

    clock.now += timedelta(seconds=5)
    portal.update(CONTACTS, contact.id, {"firstname": "Berta", "jobtitle": "CEO"}, USER)
    [seen] = portal.indexed(CONTACTS)
    assert (seen.value("firstname"), seen.value("jobtitle")) == ("Anna", "")
    assert portal.value(seen, "lastmodifieddate") == "2026-11-01T12:00:00.000Z"

    clock.now += timedelta(seconds=5)
    [seen] = portal.indexed(CONTACTS)
    assert (seen.value("firstname"), seen.value("jobtitle")) == ("Berta", "CEO")
    assert portal.value(seen, "lastmodifieddate") == "2026-11-01T12:00:05.000Z"

    portal.archive(CONTACTS, contact.id, USER)
    assert portal.indexed(CONTACTS) == ()


def test_without_a_lag_the_index_is_the_present(clock: Clock) -> None:
    portal = Portal(Settings(), clock)
    contact = portal.create(CONTACTS, {"firstname": "Anna"}, USER)

    assert portal.indexed(CONTACTS) == (contact,)


AMOUNTS = st.integers(-5, 5)
NAIVE = {
    "EQ": lambda held, low, _: held is not None and held == low,
    "NEQ": lambda held, low, _: held != low,
    "GT": lambda held, low, _: held is not None and held > low,
    "GTE": lambda held, low, _: held is not None and held >= low,
    "LT": lambda held, low, _: held is not None and held < low,
    "LTE": lambda held, low, _: held is not None and held <= low,
    "BETWEEN": lambda held, low, high: held is not None and low <= held <= high,
    "IN": lambda held, low, high: held in (low, high),
    "NOT_IN": lambda held, low, high: held not in (low, high),
    "HAS_PROPERTY": lambda held, _, __: held is not None,
    "NOT_HAS_PROPERTY": lambda held, _, __: held is None,
}


@given(st.lists(st.none() | AMOUNTS, max_size=6), st.sampled_from(sorted(NAIVE)), AMOUNTS, AMOUNTS)
def test_numbers_are_found_as_a_naive_reading_finds_them(
    amounts: list[int | None], operator: str, low: int, high: int
) -> None:
    portal = Portal(Settings(), Clock())
    held = {
        portal.load(DEALS, {} if amount is None else {"amount": str(amount)}).id: amount
        for amount in amounts
    }
    wanted = condition("amount", operator)
    if operator in ("IN", "NOT_IN"):
        wanted["values"] = [str(low), str(high)]
    elif operator == "BETWEEN":
        wanted |= {"value": str(low), "highValue": str(high)}
    elif not operator.endswith("HAS_PROPERTY"):
        wanted["value"] = str(low)
    sort = {"propertyName": "amount", "direction": "ASCENDING"}
    body = having(wanted) | {"sorts": [sort]}

    found = search_from(body, DEALS, portal.schema).find(portal.indexed(DEALS), portal.value)

    passing = {one: held[one] for one in held if NAIVE[operator](held[one], low, high)}
    order = sorted(passing, key=lambda one: (passing[one] is None, passing[one] or 0, int(one)))
    assert [one.id for one in found] == order
