"""Every call that HubSpot gets is on file: as we send it, as we read its answer, and as the
stand-in takes and gives it.
"""

import json
from dataclasses import replace

import pytest
import requests
import responses

from infra.sandbox._serving.faults import Fault
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.admin_rules import Required
from infra.sandbox.hubspot.control.loading import load_all
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.oauth import OAuthApp
from infra.sandbox.hubspot.portal import AppToken, Settings
from infra.sandbox.hubspot.records import OBJECT_TYPES, Actor
from tests.connectors.hubspot.golden import (
    APP,
    CONNECTION,
    FORM,
    NAMES,
    TOKEN,
    endpoints,
    golden,
    outcome_of,
    spelled,
)

USER = Actor.user(77)
VERSIONS = ("2026-03", "2026-09")

every_call = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("connectors._http.sleep", lambda _: None)


def test_every_endpoint_has_a_golden_file_of_success():
    succeeding = {one["endpoint"] for one in map(golden, NAMES) if "returns" in one["outcome"]}
    assert succeeding == endpoints()


def test_the_later_version_has_golden_files_of_its_own_for_reading_and_writing():
    later = [one for one in map(golden, NAMES) if one["api_version"] == VERSIONS[1]]
    assert {"account", "records", "update", "exchange_rates"} <= {one["endpoint"] for one in later}


@every_call
def test_a_call_leaves_as_it_is_on_file_and_its_answer_means_what_is_on_file(name):
    call = golden(name)
    sent, outcome = play(call, call["api_version"])
    assert outcome == call["outcome"]
    assert sent
    assert all(one == call["request"] for one in sent)


@every_call
@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_changes_nothing_of_a_call_but_its_path(name, version):
    call = golden(name)
    [first, *_], _ = play(call, version)
    assert first == call["request"] | {
        "path": call["request"]["path"].replace(call["api_version"], version)
    }


def play(call, version):
    """The requests that HubSpot would get, and what comes of its answer."""
    answer, sent = call["response"], []

    def reply(request):
        sent.append(spelled(request))
        body = "" if answer["body"] is None else json.dumps(answer["body"])
        return answer["status"], answer["headers"], body

    with responses.RequestsMock() as double:
        request = call["request"]
        url = CONNECTION.base_url + request["path"].replace(call["api_version"], version)
        double.add_callback(request["method"], url, reply, content_type=None)
        return sent, outcome_of(call["endpoint"], call["arguments"], version)


known_to_the_stand_in = pytest.mark.parametrize(
    "name", [name for name in NAMES if "stand_in" in golden(name)]
)


@known_to_the_stand_in
def test_the_stand_in_takes_the_call_and_answers_in_the_same_shape(name):
    call = golden(name)
    portal = call["stand_in"]["portal"]
    with StandIn.start(settings=settings_for(portal)) as hubspot:
        prepare(hubspot, portal)
        for earlier in call["stand_in"].get("after", ()):
            assert send(hubspot, golden(earlier)["request"]).status_code == 201
        disturb(hubspot, portal)
        secrets = install(hubspot) if "installed" in portal else {}
        answer = send(hubspot, call["request"], secrets)
    assert answer.status_code == call["response"]["status"]
    lacking = call["stand_in"].get("lacks", ())
    assert_same_shape(call["response"]["body"], answer.json(), _UNREAD.union(lacking))


def settings_for(portal):
    scopes = portal.get("scopes")
    token = AppToken(54321, frozenset(scopes) if scopes is not None else None)
    rates = {"exchange_rates": portal["rates"]} if "rates" in portal else {}
    app = OAuthApp(client_id=APP.client_id, client_secret=APP.client_secret)
    return Settings(tokens={portal.get("token", TOKEN): token}, oauth_app=app, **rates)


def prepare(hubspot, portal):
    people = [{"properties": {}} for _ in range(portal.get("people", 0))]
    load_all(hubspot.portal, {"contacts": people} | portal)
    for kind, survivor, loser in portal.get("merged", ()):
        hubspot.portal.merge(OBJECT_TYPES[kind], survivor, [loser], USER, new_id=False)
    for kind, identity in portal.get("archived", ()):
        hubspot.portal.archive(OBJECT_TYPES[kind], identity, USER)
    for kind, name, when, value in portal.get("required", ()):
        hubspot.portal.rules.add(Required(OBJECT_TYPES[kind], name, when, value))
    hubspot.portal.guesses = replace(Guesses(), **portal.get("guesses", {}))


def disturb(hubspot, portal):
    if "fault" in portal:
        hubspot.faults.plan(Fault(count=1, status=portal["fault"]))
    if "searches" in portal:
        hubspot.search_limit.reset(Rate(calls=portal["searches"]))
    if "calls_left_today" in portal:
        hubspot.daily_quota.leave(portal["calls_left_today"])


def install(hubspot):
    """What the stand-in gives an app, by the names that it has on file."""
    answer = hubspot.oauth.install()
    app = hubspot.oauth.app
    code = hubspot.oauth.authorize(app.client_id, APP.redirect_url, app.scopes, ())
    return {
        "a-code": code,
        "a-refresh-token": answer["refresh_token"],
        "an-access-token": answer["access_token"],
    }


def send(hubspot, request, secrets=()):
    as_form = request["headers"].get("Content-Type") == FORM
    if as_form:
        body = {name: dict(secrets).get(value, value) for name, value in request["body"].items()}
        request = request | {"body": body}
    return requests.request(
        request["method"],
        hubspot.url + request["path"],
        params=request["query"],
        headers=request["headers"],
        timeout=5,
        **{"data" if as_form else "json": request["body"]},
    )


def assert_same_shape(expected, found, lacking, at="body"):
    """Whatever is on file is there too, and of its type; what is null on file may be a text."""
    if expected is None:
        assert found is None or isinstance(found, str | dict), at
    elif isinstance(expected, dict):
        missing = expected.keys() - found.keys() - lacking
        assert not missing, f"{at} lacks {sorted(missing)}"
        for name in expected.keys() & found.keys():
            assert_same_shape(expected[name], found[name], lacking, f"{at}.{name}")
    elif isinstance(expected, list):
        assert isinstance(found, list), at
        assert bool(found) == bool(expected), at
        for one, other in zip(expected[:1], found[:1], strict=True):
            assert_same_shape(one, other, lacking, f"{at}[0]")
    else:
        assert found is None or _TYPES[type(expected)] == _TYPES[type(found)], at


_TYPES = {str: "text", bool: "truth", int: "number", float: "number"}

# Members that say nothing we read: links to pages, ids of requests.
_UNREAD = frozenset({"link", "links", "requestId", "subCategory", "in"})
