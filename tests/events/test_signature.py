from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core.errors import SignatureInvalid
from chalicelib.events.signature import verify
from tests.fakes.events import OLD_SECRET, SECRET, signed

BODY = '{"id": "مینا"}'.encode()


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_both_live_secrets_are_good(secret):
    verify(BODY, signed(BODY, secret), [SECRET, OLD_SECRET])


def test_one_of_several_signatures_is_enough():
    headers = signed(BODY)
    old = signed(BODY, OLD_SECRET)["webhook-signature"]
    headers["webhook-signature"] = f"v1a,abc {old} {headers['webhook-signature']}"
    verify(BODY, headers, [SECRET])


def test_the_published_example_verifies_at_its_time(monkeypatch):
    """Of the specification's text; only the library's clock is set back."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    class Then(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(1614265330, tz)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Then)
    verify(b'{"test": 2432232314}', headers, ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


@pytest.mark.parametrize("minutes", [-4.5, 4.5])
def test_a_clock_may_be_off_by_less_than_five_minutes(minutes):
    verify(BODY, signed(BODY, at=datetime.now(UTC) + timedelta(minutes=minutes)), [SECRET])


@pytest.mark.parametrize("minutes", [-5.1, 5.5, -600_000])
def test_beyond_five_minutes_it_is_a_replay(minutes):
    with pytest.raises(SignatureInvalid):
        verify(BODY, signed(BODY, at=datetime.now(UTC) + timedelta(minutes=minutes)), [SECRET])


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-id", "another"),
        ("webhook-id", ""),
        ("webhook-id", "\ud800"),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "nan"),
        ("webhook-signature", ""),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1,مینا"),
        ("webhook-signature", "v1,a"),
        ("webhook-signature", "v2,AAAA"),
    ],
)
def test_headers_out_of_shape_are_refused(header, value):
    with pytest.raises(SignatureInvalid):
        verify(BODY, {**signed(BODY), header: value}, [SECRET])


def test_a_changed_byte_a_foreign_secret_and_none_at_all_are_refused():
    headers = signed(BODY)
    for body, secrets in [(BODY + b" ", [SECRET]), (BODY, [OLD_SECRET]), (BODY, [])]:
        with pytest.raises(SignatureInvalid):
            verify(body, headers, secrets)
