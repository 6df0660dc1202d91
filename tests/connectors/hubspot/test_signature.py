from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.connector import Request, Secret
from chalicelib.core.errors import SignatureInvalid
from connectors.hubspot.signature import sign, sign_v1, sign_v2, verify
from tests.connectors import cases

VECTORS = Path(__file__).parent / "vectors"
EPOCH = datetime.fromtimestamp(0, UTC)


def vectors(verdict):
    return [
        pytest.param(cases.read(path), id=path.stem)
        for path in sorted((VECTORS / verdict).glob("*.json"))
    ]


def verify_vector(vector, *, taken=(), channel="", live=None, **changes):
    """``taken``: the older versions that the connection takes; ``live``: its secrets."""
    row = vector | changes
    request = Request(row["method"], row["url"], row["headers"], row["body"].encode(), channel)
    secret = Secret(vector["url"], live or (row["secret"],), token="", signatures=taken)
    verify(request, secret, EPOCH + timedelta(milliseconds=row["at_ms"]))


def version_of(vector):
    return vector["headers"]["x-hubspot-signature-version"]


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_a_published_signature_is_accepted(vector):
    verify_vector(vector)


@pytest.mark.parametrize("vector", vectors("refused"))
def test_a_signature_over_another_spelling_of_the_address_is_refused(vector):
    with pytest.raises(SignatureInvalid):
        verify_vector(vector)


older = pytest.mark.parametrize("vector", vectors("accepted_where_allowed"))


@older
def test_an_older_signature_is_accepted_where_the_connection_takes_its_version(vector):
    verify_vector(vector, taken=("v1", "v2"))
    verify_vector(vector, taken=(version_of(vector),))


@older
@pytest.mark.parametrize("taken", [(), ("v3",), ("another",)])
def test_an_older_signature_is_refused_where_it_does_not(vector, taken):
    other = {"v1": "v2", "v2": "v1"}[version_of(vector)]
    for versions in (taken, (*taken, other)):
        with pytest.raises(SignatureInvalid, match="taken"):
            verify_vector(vector, taken=versions)


@older
def test_an_older_signature_under_another_version_s_name_is_refused(vector):
    for name in ("v1", "v2", "v3", "V2", "v9", ""):
        if name != version_of(vector):
            headers = vector["headers"] | {"x-hubspot-signature-version": name}
            with pytest.raises(SignatureInvalid):
                verify_vector(vector, taken=("v1", "v2", "v3", "v9", ""), headers=headers)


@older
def test_a_wrong_v3_is_refused_though_an_older_one_be_right(vector):
    for wrong in ("", "AbwI7trqBvP/xzOaECDaZGiinZ7hK8SVU+eZBF1TpmE"):
        headers = vector["headers"] | {"x-hubspot-signature-v3": wrong}
        with pytest.raises(SignatureInvalid):
            verify_vector(vector, taken=("v1", "v2"), headers=headers)


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_a_right_v3_decides_whatever_stands_beside_it(vector):
    beside = {"x-hubspot-signature": "0" * 64, "x-hubspot-signature-version": "v1"}
    for taken in ((), ("v1", "v2")):
        verify_vector(vector, taken=taken, headers=vector["headers"] | beside)


@older
def test_an_older_signature_covers_the_body_and_v2_the_method_too(vector):
    changed = [{"body": vector["body"] + " "}]
    changed += [{"method": "PUT"}] if version_of(vector) == "v2" else []
    for change in changed:
        with pytest.raises(SignatureInvalid, match="match"):
            verify_vector(vector, taken=("v1", "v2"), **change)


@older
def test_an_older_signature_is_checked_against_either_of_two_live_secrets(vector):
    for live in (("another", vector["secret"]), (vector["secret"], "another")):
        verify_vector(vector, taken=("v1", "v2"), live=live)
    with pytest.raises(SignatureInvalid):
        verify_vector(vector, taken=("v1", "v2"), live=("another", "a-third"))


def test_the_channel_is_a_part_of_the_address_that_v2_and_v3_cover():
    url, body = "https://hooks.example.com/hooks/hubspot-main", b"{}"
    secret = Secret(url, ("key",), "", signatures=("v2",))
    v2 = {"x-hubspot-signature": sign_v2("POST", f"{url}/contacts", body, "key")}
    v2 |= {"x-hubspot-signature-version": "v2"}
    v3 = {"x-hubspot-signature-v3": sign("POST", f"{url}/contacts", body, "5", "key")}
    v3 |= {"x-hubspot-request-timestamp": "5"}
    for headers in (v2, v3):
        verify(Request("POST", "", headers, body, "contacts"), secret, EPOCH)
        for channel in ("", "deals"):
            with pytest.raises(SignatureInvalid, match="match"):
                verify(Request("POST", "", headers, body, channel), secret, EPOCH)


def test_v1_which_does_not_cover_the_address_is_refused_on_a_channel():
    headers = {"x-hubspot-signature": sign_v1(b"{}", "key"), "x-hubspot-signature-version": "v1"}
    secret = Secret("https://hooks.example.com/", ("key",), "", signatures=("v1", "v2"))
    verify(Request("POST", "", headers, b"{}"), secret, EPOCH)
    with pytest.raises(SignatureInvalid):
        verify(Request("POST", "", headers, b"{}", "contacts"), secret, EPOCH)


@pytest.mark.parametrize("vector", vectors("accepted") + vectors("accepted_where_allowed"))
def test_every_live_secret_is_compared_without_a_hint_of_where_it_differs(vector, monkeypatch):
    compared = []

    def compare(one, other):
        compared.append((one, other))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    verify_vector(vector, taken=("v1", "v2"), live=(vector["secret"], "another", "a-third"))
    assert len(compared) == 3


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_five_minutes_on_either_side_are_accepted_and_a_millisecond_more_is_not(vector):
    for inside in (-300_000, 300_000):
        verify_vector(vector, at_ms=vector["at_ms"] + inside)
    for outside in (-300_001, 300_001):
        with pytest.raises(SignatureInvalid, match="away"):
            verify_vector(vector, at_ms=vector["at_ms"] + outside)


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_the_method_is_signed(vector):
    with pytest.raises(SignatureInvalid):
        verify_vector(vector, method="PUT")


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_the_address_comes_from_the_secret_and_never_from_the_request(vector):
    verify_vector(vector, url="https://attacker.example.com/")
    request = Request(vector["method"], vector["url"], vector["headers"], vector["body"].encode())
    elsewhere = Secret("https://elsewhere.example.com/", (vector["secret"],), "")
    with pytest.raises(SignatureInvalid):
        verify(request, elsewhere, EPOCH + timedelta(milliseconds=vector["at_ms"]))


@pytest.mark.parametrize(
    "timestamp",
    ["", " 1790000001000", "+1790000001000", "1790000001000.0", "1_790_000_001_000", "NaN",
     "۱۷۹۰۰۰۰۰۰۱۰۰۰", "1790000001000\n", "9" * 16, "9" * 5000, "-1"],
)  # fmt: skip
def test_a_timestamp_that_is_not_plain_digits_is_refused_though_it_be_signed(timestamp):
    key = "example-client-secret-1234"
    url = "https://hooks.example.com/webhooks/hubspot"
    headers = {
        "x-hubspot-request-timestamp": timestamp,
        "x-hubspot-signature-v3": sign("POST", url, b"[]", timestamp, key),
    }
    with pytest.raises(SignatureInvalid, match="milliseconds"):
        verify(
            Request("POST", url, headers, b"[]"),
            Secret(url, (key,), ""),
            EPOCH + timedelta(milliseconds=1790000001000),
        )


@given(signature=st.text(), timestamp=st.text() | st.integers(0, 10**16).map(str))
def test_any_headers_verify_or_are_refused(signature, timestamp):
    delivery = cases.Delivery("hubspot", "property_change_of_a_contact")
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": timestamp}
    with pytest.raises(SignatureInvalid):
        verify(replace(delivery.request, headers=headers), delivery.secret, delivery.at)


@given(body=st.binary(), url=st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_what_sign_signs_verify_accepts(body, url):
    headers = {
        "x-hubspot-request-timestamp": "5",
        "x-hubspot-signature-v3": sign("POST", url, body, "5", "k"),
    }
    verify(Request("POST", "", headers, body), Secret(url, ("old", "k"), ""), EPOCH)


@pytest.mark.parametrize(
    ("escape", "plain"),
    [("%3A", ":"), ("%2F", "/"), ("%3F", "?"), ("%40", "@"), ("%21", "!"), ("%24", "$"),
     ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*"), ("%2C", ","), ("%3B", ";")],
)  # fmt: skip
def test_these_escapes_of_the_address_are_undone(escape, plain):
    assert sign("GET", f"https://x/?a={escape}b", b"", "1", "k") == sign(
        "GET", f"https://x/?a={plain}b", b"", "1", "k"
    )


@pytest.mark.parametrize(
    ("escape", "plain"),
    [("%20", " "), ("%26", "&"), ("%3D", "="), ("%2B", "+"), ("%25", "%"), ("%3a", ":"),
     ("%253A", "%3A"), ("%253A", ":"), ("%23", "#")],
)  # fmt: skip
def test_no_other_escapes_are_undone(escape, plain):
    assert sign("GET", f"https://x/?a={escape}b", b"", "1", "k") != sign(
        "GET", f"https://x/?a={plain}b", b"", "1", "k"
    )
