"""Patience with a CRM, over real sockets. Waits are recorded instead of slept."""

import traceback
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.core.connector import Rate
from chalicelib.core.errors import (
    CredentialsInvalid,
    CrmUnavailable,
    OutOfService,
    RateLimited,
    Retryable,
)
from connectors import _http
from connectors._http import Closure, Dialect, Http, Line, Refused, submit_form
from tests.connectors.scripted_server import HANG_UP, SILENCE, Reply, free_port, serving
from tests.fakes.access import FakeAccess
from tests.fakes.clock import NOON

DIALECT = Dialect(
    busy=frozenset({423, 429, 502, 503, 504}),
    in_doubt=frozenset({502, 504}),
    write_timeout_s=10,
    message=lambda body: str((body or {}).get("why", "no reason")),
)


@dataclass
class FakeLimits:
    """``heeded`` are the statuses seen. An answer whose body has ``close`` closes the account
    for so many seconds, one with ``least`` asks for such a wait.
    """

    heeded: list = field(default_factory=list)
    closed: Closure | None = None

    def rate(self, path):
        return Rate("search" if "search" in path else "calls", 100, 10.0)

    def heed(self, answer):
        self.heeded.append(answer.status)
        if seconds := (answer.body or {}).get("close"):
            self.closed = Closure(NOON + timedelta(seconds=seconds), "closed")

    def closure(self):
        return self.closed

    def least_wait_s(self, answer):
        return (answer.body or {}).get("least", 0.0)


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    recorded = []
    monkeypatch.setattr(_http, "sleep", recorded.append)
    return recorded


@pytest.fixture
def brisk(monkeypatch):
    """A dialect for servers that never answer."""
    monkeypatch.setattr(_http, "READ_TIMEOUT_S", 1)
    return replace(DIALECT, write_timeout_s=1)


def http(server, dialect=DIALECT, access=None, limits=None):
    url = server if isinstance(server, str) else server.url
    access = access or FakeAccess("a-token")
    return Http(Line(url, access, pytest.fail, dialect, limits or FakeLimits()))


def test_a_request_carries_the_token_the_query_and_the_body():
    with serving(Reply(body={"ok": 1})) as server:
        answer = http(server).read("POST", "/path", query={"a": "b c"}, body={"é": [1]})
    [(method, path, headers, body)] = server.requests
    assert answer == {"ok": 1}
    assert (method, path, body) == ("POST", "/path?a=b+c", b'{"\\u00e9": [1]}')
    assert (headers["Authorization"], headers["User-Agent"]) == ("Bearer a-token", "emtiaz")


def test_a_request_takes_headers_of_its_own_and_the_scheme_that_the_crm_calls_tokens_by():
    with serving(Reply()) as server:
        odd = replace(DIALECT, scheme="Odd-token")
        http(server, odd).read("GET", "/", headers={"If-Modified-Since": "yesterday"})
    headers = server.requests[0][2]
    assert headers["Authorization"] == "Odd-token a-token"
    assert headers["If-Modified-Since"] == "yesterday"


TELLS_BY_BODY = replace(
    DIALECT, status=lambda answer: (answer.body or {}).get("really", answer.status)
)


@pytest.mark.parametrize(
    ("really", "error"),
    [(401, CredentialsInvalid), (403, CredentialsInvalid), (429, RateLimited), (400, Refused)],
)
def test_a_crm_that_says_no_by_its_body_is_understood(really, error):
    with (
        serving(Reply(200, body={"really": really})) as server,
        pytest.raises(error, match=f"answered {really}"),
    ):
        http(server, TELLS_BY_BODY).read("GET", "/")


def test_nothing_new_is_an_answer_where_a_crm_means_it_so():
    limits = FakeLimits()
    unmoved = replace(DIALECT, status=lambda answer: 204 if answer.status == 304 else answer.status)
    with serving(Reply(304, headers={"Content-Length": 0}, body=b"")) as server:
        assert http(server, unmoved, limits=limits).read("GET", "/") is None
    assert limits.heeded == [204]


def test_a_form_is_answered_by_its_body_as_well():
    with serving(Reply(200, body={"really": 400})) as server, pytest.raises(Refused) as caught:
        submit_form(server.url, {}, frozenset(), TELLS_BY_BODY.status)
    assert caught.value.body == {"really": 400}
    assert str(caught.value).endswith("answered 200")


def test_a_file_comes_as_it_is():
    with serving(Reply(503), Reply(body=b"PK\x03\x04\xff")) as server:
        file = http(server).download("/file")
    assert (file.content, file.headers["content-length"]) == (b"PK\x03\x04\xff", "5")
    assert [path for _, path, _, _ in server.requests] == ["/file", "/file"]


def test_instead_of_a_file_a_refusal_may_come():
    with serving(Reply(404, body={"why": "too old"})) as server, pytest.raises(Refused):
        http(server).download("/file")


def test_every_write_opens_a_connection_of_its_own():
    with serving(Reply()) as server:
        one = http(server)
        one.write("POST", "/", body={})
        one.read("POST", "/", body={})
    assert [headers["Connection"] for _, _, headers, _ in server.requests] == [
        "close",
        "keep-alive",
    ]


def test_a_netrc_file_does_not_replace_the_token(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(Reply()) as server:
        http(server).read("GET", "/")
    assert server.requests[0][2]["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize("status", sorted(DIALECT.busy))
def test_a_busy_crm_is_asked_to_read_again_after_a_random_wait(status, waits):
    with serving(Reply(status), Reply(status), Reply(body={"ok": 1})) as server:
        assert http(server).read("POST", "/") == {"ok": 1}
    assert len(server.requests) == 3
    assert 0 < waits[0] <= 1
    assert 2 <= waits[1] <= 3


@pytest.mark.parametrize("status", sorted(DIALECT.busy - DIALECT.in_doubt))
def test_a_busy_crm_is_asked_to_write_again(status):
    with serving(Reply(status), Reply(body={"ok": 1})) as server:
        assert http(server).write("POST", "/", body={}) == {"ok": 1}
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", sorted(DIALECT.in_doubt))
def test_a_write_whose_answer_a_gateway_lost_is_in_doubt_and_not_sent_again(status):
    with serving(Reply(status)) as server, pytest.raises(CrmUnavailable) as caught:
        http(server).write("POST", "/", body={})
    assert caught.value.in_doubt
    assert caught.value.retry_after >= DIALECT.write_timeout_s
    assert len(server.requests) == 1


@pytest.mark.parametrize("breakage", [SILENCE, HANG_UP])
def test_a_write_that_broke_after_it_was_sent_is_in_doubt_and_not_sent_again(breakage, brisk):
    with serving(breakage) as server, pytest.raises(CrmUnavailable) as caught:
        http(server, brisk).write("POST", "/", body={})
    assert caught.value.in_doubt
    assert len(server.requests) == 1


@pytest.mark.parametrize("breakage", [SILENCE, HANG_UP])
def test_a_read_that_broke_is_sent_again(breakage, brisk):
    with serving(breakage, Reply(body={"ok": 1})) as server:
        assert http(server, brisk).read("POST", "/") == {"ok": 1}
    assert len(server.requests) == 2


def test_a_read_that_keeps_breaking_is_given_up(brisk):
    with serving(SILENCE) as server, pytest.raises(CrmUnavailable) as caught:
        http(server, brisk).read("POST", "/")
    assert not caught.value.in_doubt
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", ["read", "write"])
def test_a_crm_that_was_never_reached_leaves_nothing_in_doubt(name):
    access = FakeAccess("a-token")
    nobody = http(f"http://127.0.0.1:{free_port()}", access=access)
    with pytest.raises(CrmUnavailable) as caught:
        getattr(nobody, name)("POST", "/", body={})
    assert not caught.value.in_doubt
    assert len(access.entered) == 1 + _http.RETRIES


def test_a_short_retry_after_is_waited_for(waits):
    with serving(Reply(429, {"Retry-After": "7"}), Reply()) as server:
        http(server).read("GET", "/")
    assert waits == [7]


@pytest.mark.parametrize("name", ["read", "write"])
def test_a_long_retry_after_is_left_to_the_queue(name, waits):
    with (
        serving(Reply(429, {"Retry-After": "3600"})) as server,
        pytest.raises(RateLimited) as caught,
    ):
        getattr(http(server), name)("POST", "/", body={})
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1
    assert waits == []


def test_retry_after_may_be_a_date():
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    with serving(Reply(503, headers)) as server, pytest.raises(CrmUnavailable) as caught:
        http(server).read("GET", "/")
    assert caught.value.retry_after == 0


@pytest.mark.parametrize("nonsense", ["soon", "-1", ""])
def test_a_retry_after_that_makes_no_sense_does_not_hide_the_outcome(nonsense):
    with serving(Reply(429, {"Retry-After": nonsense})) as server, pytest.raises(RateLimited):
        http(server).read("GET", "/")


def test_a_busy_crm_that_names_no_time_is_left_alone_for_as_long_as_its_limits_say(waits):
    with serving(Reply(423, body={"least": 2.0}), Reply(body={"ok": 1})) as server:
        assert http(server).write("POST", "/", body={}) == {"ok": 1}
    assert 2 <= waits[0] <= 3


def test_a_window_is_waited_out_once_and_then_left_to_the_queue(waits):
    with serving(Reply(429, body={"least": 10.0})) as server, pytest.raises(RateLimited) as caught:
        http(server).read("GET", "/")
    assert len(server.requests) == 2
    assert 10 <= waits[0] <= 11
    assert 10 <= caught.value.retry_after <= 11


def test_a_day_that_is_spent_is_not_waited_for(waits):
    limits = FakeLimits()
    with serving(Reply(429, body={"close": 3600, "why": "DAILY"})) as server:
        account = http(server, limits=limits)
        for _ in range(2):
            with pytest.raises(OutOfService, match="closed") as caught:
                account.read("GET", "/")
            assert caught.value.until == NOON + timedelta(hours=1)
            assert caught.value.retry_after == 3600
    assert len(server.requests) == 1
    assert waits == []


def test_the_last_answer_before_an_account_closes_is_still_an_answer():
    with serving(Reply(body={"ok": 1, "close": 60})) as server:
        account = http(server)
        assert account.write("POST", "/", body={})["ok"] == 1
        with pytest.raises(OutOfService):
            account.write("POST", "/", body={})
    assert len(server.requests) == 1


def test_every_attempt_takes_its_turn_under_the_rate_of_its_path():
    access, limits = FakeAccess("a-token"), FakeLimits()
    with serving(Reply(503), Reply(429), Reply()) as server:
        http(server, access=access, limits=limits).read("POST", "/search")
    assert [rate.name for rate in access.entered] == ["search"] * 3
    assert limits.heeded == [503, 429, 200]


def test_a_turn_that_will_not_come_soon_is_not_taken():
    class Crowded(FakeAccess):
        def enter(self, rate):
            raise RateLimited("spoken for", retry_after=7)

    with serving(Reply()) as server, pytest.raises(RateLimited):
        http(server, access=Crowded("a-token")).write("POST", "/", body={})
    assert server.requests == []


@pytest.mark.parametrize("name", ["read", "write"])
def test_a_token_that_was_refused_and_replaced_is_tried_once_more(name):
    access = FakeAccess("lapsed", "new")
    with serving(Reply(401), Reply(body={"ok": 1})) as server:
        assert getattr(http(server, access=access), name)("POST", "/", body={}) == {"ok": 1}
    sent = [headers["Authorization"] for _, _, headers, _ in server.requests]
    assert sent == ["Bearer lapsed", "Bearer new"]


def test_tokens_that_end_one_after_the_other_are_waited_out_for_their_grant_lives():
    access = FakeAccess("lapsed", "new", "newest")
    with serving(Reply(401)) as server, pytest.raises(Retryable) as caught:
        http(server, access=access).read("GET", "/")
    assert caught.value.retry_after == 1
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_said_with_the_crms_words(status):
    with (
        serving(Reply(status, body={"why": "scope x is missing"})) as server,
        pytest.raises(CredentialsInvalid, match="scope x is missing"),
    ):
        http(server).read("GET", "/")
    assert len(server.requests) == 1


def test_any_other_refusal_carries_status_and_body():
    with (
        serving(Reply(409, body={"why": "exists"})) as server,
        pytest.raises(Refused, match="answered 409: exists") as caught,
    ):
        http(server).write("POST", "/", body={})
    assert (caught.value.status, caught.value.body) == (409, {"why": "exists"})
    assert len(server.requests) == 1


def test_a_redirect_is_not_followed_with_the_token():
    with serving(Reply(302, {"Location": "/elsewhere"})) as server, pytest.raises(CrmUnavailable):
        http(server).read("GET", "/")
    assert len(server.requests) == 1


def test_an_internal_error_of_the_crm_is_an_answer_so_a_write_is_not_in_doubt():
    with serving(Reply(500)) as server, pytest.raises(CrmUnavailable) as caught:
        http(server).write("POST", "/", body={})
    assert not caught.value.in_doubt
    assert len(server.requests) == 1


@pytest.mark.parametrize("cut", [b'{"results": [{"id"', b"<html>maintenance</html>"])
def test_a_read_whose_answer_is_no_json_is_sent_again(cut):
    with serving(Reply(body=cut), Reply(body={"ok": 1})) as server:
        assert http(server).read("GET", "/") == {"ok": 1}
    with serving(Reply(body=cut)) as server, pytest.raises(CrmUnavailable) as caught:
        http(server).read("GET", "/")
    assert not caught.value.in_doubt
    assert len(server.requests) == 2


def test_a_write_whose_answer_is_no_json_is_in_doubt_and_not_sent_again():
    cut = Reply(body=b'{"status": "COMPLETE", "resul')
    with serving(cut) as server, pytest.raises(CrmUnavailable) as caught:
        http(server).write("POST", "/", body={})
    assert caught.value.in_doubt
    assert len(server.requests) == 1


def test_an_answer_cut_short_puts_a_write_in_doubt():
    with (
        serving(Reply(headers={"Content-Length": 50, "Connection": "close"})) as server,
        pytest.raises(CrmUnavailable) as caught,
    ):
        http(server).write("POST", "/", body={})
    assert caught.value.in_doubt


def test_an_empty_answer_is_none():
    with serving(Reply(204, body=b"")) as server:
        assert http(server).write("POST", "/", body={}) is None


def test_no_message_names_the_token():
    with (
        serving(Reply(401, body={"why": "a-token is bad"})) as server,
        pytest.raises(CredentialsInvalid, match="… is bad") as caught,
    ):
        http(server).read("GET", "/")
    assert "a-token" not in str(caught.value)


FORM = {"grant_type": "refresh_token", "refresh_token": "hunter2"}


def submit(server):
    return submit_form(f"{server.url}/oauth/token", FORM, DIALECT.busy)


def test_a_form_is_sent_without_a_token_and_only_once(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving(Reply(body={"access_token": "new"})) as server:
        assert submit(server) == {"access_token": "new"}
    [(method, path, headers, body)] = server.requests
    assert (method, path) == ("POST", "/oauth/token")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert body == b"grant_type=refresh_token&refresh_token=hunter2"
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(400, body={"why": "hunter2"}), Refused),
        (Reply(401), Refused),
        (Reply(429, {"Retry-After": "5"}), RateLimited),
        (Reply(423), CrmUnavailable),
        (Reply(500), CrmUnavailable),
        (Reply(302, {"Location": "/elsewhere"}), CrmUnavailable),
        (Reply(body=b"<html>"), CrmUnavailable),
        (HANG_UP, CrmUnavailable),
    ],
)
def test_what_goes_wrong_with_a_form_is_said_without_its_texts(reply, error):
    with serving(reply) as server, pytest.raises(error) as caught:
        submit(server)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert len(server.requests) == 1
