"""The answer of a CRM's page is taken on loopback: once, and only with the right state."""

from contextlib import contextmanager
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from infra.cli import authorization
from infra.cli.authorization import ask_for_answer, is_loopback
from infra.cli.exits import Declined, Finding
from tests.connectors.scripted_server import free_port


@pytest.fixture
def callback():
    return f"http://localhost:{free_port()}/callback"


@pytest.fixture
def person(monkeypatch):
    """Does as told with the page that the person is sent to."""

    @contextmanager
    def does(act):
        errands = []

        def go(url):
            state = parse_qs(urlsplit(url).query)["state"][0]
            errands.append(Thread(target=act, args=(state,)))
            errands[0].start()

        monkeypatch.setattr(authorization, "send_person_to", go)
        yield
        errands[0].join()

    return does


def page(state):
    return f"https://crm.example/authorize?state={state}"


def test_the_code_is_handed_over_and_the_page_may_be_closed(callback, person):
    answers = []

    def agree(state):
        answers.append(requests.get(callback, params={"code": "a code", "state": state}, timeout=5))

    with person(agree):
        assert ask_for_answer(page, callback)["code"] == "a code"
    assert answers[0].status_code == 200
    assert "close this page" in answers[0].text


@pytest.mark.parametrize(
    "forged",
    [
        {"code": "forged"},
        {"code": "forged", "state": ""},
        {"code": "forged", "state": "a guess"},
        {"code": "forged", "state": "é"},
        {"error": "access_denied", "state": "a guess"},
        {"state": "right, but says nothing"},
    ],
)
def test_an_answer_to_another_question_is_refused_and_the_right_one_awaited(
    callback, person, forged
):
    statuses = []

    def act(state):
        query = {"state": state} if forged.get("state", "").startswith("right") else forged
        asked = (query, {"code": "right", "state": state})
        statuses.extend(requests.get(callback, params=one, timeout=5).status_code for one in asked)

    with person(act):
        assert ask_for_answer(page, callback)["code"] == "right"
    assert statuses == [400, 200]


def test_other_addresses_are_nobodys_business(callback, person):
    statuses = []

    def act(state):
        query = {"code": "right", "state": state}
        visited = (callback.replace("callback", "favicon.ico"), callback)
        statuses.extend(requests.get(one, params=query, timeout=5).status_code for one in visited)

    with person(act):
        assert ask_for_answer(page, callback)["code"] == "right"
    assert statuses == [404, 200]


def test_a_state_is_good_for_one_answer(callback):
    with authorization._listen(callback, "a state") as desk:
        assert desk.take("/callback?code=first&state=a%20state")[0] == 200
        assert desk.take("/callback?code=second&state=a%20state")[0] == 400
        assert desk.answer()["code"] == "first"


def test_every_question_has_a_state_of_its_own(callback, person):
    states = []

    def agree(state):
        states.append(state)
        requests.get(callback, params={"code": "c", "state": state}, timeout=5)

    for _ in range(2):
        with person(agree):
            ask_for_answer(page, callback)
    assert len(set(states)) == 2
    assert min(map(len, states)) >= 43


def test_a_no_is_said(callback, person):
    def refuse(state):
        requests.get(callback, params={"error": "access_denied", "state": state}, timeout=5)

    with person(refuse), pytest.raises(Declined, match="access_denied"):
        ask_for_answer(page, callback)


def test_nobody_is_waited_for_for_ever(callback, monkeypatch):
    monkeypatch.setattr(authorization, "PATIENCE_S", 0.05)
    monkeypatch.setattr(authorization, "send_person_to", lambda _: None)
    with pytest.raises(Declined, match="nobody agreed"):
        ask_for_answer(page, callback)


def test_a_port_that_is_taken_is_named(callback, monkeypatch):
    monkeypatch.setattr(authorization, "send_person_to", pytest.fail)
    port = urlsplit(callback).port
    with (
        authorization._listen(callback, "another"),
        pytest.raises(Finding, match=f"port {port}"),
    ):
        ask_for_answer(page, callback)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8976/callback", True),
        ("http://127.0.0.1:8976/callback", True),
        ("https://localhost:8976/callback", False),
        ("http://localhost.example:8976/callback", False),
        ("https://emtiaz.example/callback", False),
    ],
)
def test_only_loopback_leads_back_here(url, here):
    assert is_loopback(url) is here
