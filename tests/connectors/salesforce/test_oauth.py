import base64
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from chalicelib.core.connector import OAuthGrant
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable
from connectors.salesforce import oauth
from connectors.salesforce.jwt_bearer import private_key, signature
from tests.connectors.salesforce.conftest import GRANT, SECRET
from tests.fakes.clock import NOON

KEY = rsa.generate_private_key(65537, 2048)
CREDENTIALS = replace(SECRET, token="", oauth=GRANT)
ANSWER = {
    "access_token": "00DWs…!token",
    "instance_url": "https://northwind.my.salesforce.com",
    "id": "https://login.salesforce.com/id/00DWs000004ExA1MAK/005Ws000001dTfVIAU",
    "token_type": "Bearer",
    "scope": "api",
    "issued_at": "1790756093000",
}


def pem(key=KEY, form=serialization.PrivateFormat.PKCS8, lock=None):
    encryption = lock or serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


@pytest.fixture
def tokens(double, connection):
    def answer(status=200, body=ANSWER, base=connection.base_url):
        double.add("POST", f"{base}/services/oauth2/token", json=body, status=status)

    return answer


def refreshed(connection, secret=CREDENTIALS):
    return oauth.refresher(connection, secret, lambda: NOON)("")


def form(double):
    return {name: value for name, [value] in parse_qs(double.calls[-1].request.body).items()}


def test_an_app_gets_tokens_by_its_own_credentials(connection, double, tokens):
    tokens()
    made = refreshed(connection)
    assert (made.token, made.refresh_token) == (ANSWER["access_token"], "")
    assert made.expires_at == NOON + oauth.LIVES
    assert form(double) == {
        "grant_type": "client_credentials",
        "client_id": "client-id",
        "client_secret": "client-secret",
    }


@pytest.mark.parametrize(
    "form_of_key",
    [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL],
)
def test_an_app_with_a_private_key_signs_whose_work_it_does(
    connection, double, tokens, form_of_key
):
    tokens()
    grant = OAuthGrant("client-id", pem(form=form_of_key), "emtiaz@northwind.example")
    made = refreshed(connection, replace(CREDENTIALS, oauth=grant))
    assert made.refresh_token == grant.refresh_token
    sent = form(double)
    assert sent["grant_type"] == oauth.JWT_BEARER
    signed, _, given = sent["assertion"].rpartition(".")
    KEY.public_key().verify(decoded(given), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    head, claims = (json.loads(decoded(one)) for one in signed.split("."))
    assert head == {"alg": "RS256"}
    assert claims == {
        "iss": "client-id",
        "sub": "emtiaz@northwind.example",
        "aud": "https://login.salesforce.com",
        "exp": int((NOON + timedelta(minutes=2)).timestamp()),
    }


def decoded(segment):
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


@pytest.mark.parametrize("bits", [2048, 3072])
def test_signatures_are_those_of_another_library(bits):
    key = rsa.generate_private_key(65537, bits)
    for message in (b"", b"a message", bytes(1000)):
        expected = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        assert signature(message, private_key(pem(key))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + pem(),
        "Bag Attributes\n    friendlyName: emtiaz\n" + pem(),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + pem(),
        pem().replace("\n", " "),
        pem().replace("\n", "\r\n"),
    ],
    ids=["mark", "bag", "certificate", "one line", "Windows"],
)
def test_a_key_is_a_key_whatever_stands_around_it(connection, double, tokens, text):
    """Taken for a secret, it would be sent to Salesforce."""
    tokens()
    grant = OAuthGrant("client-id", text, "emtiaz@northwind.example")
    refreshed(connection, replace(CREDENTIALS, oauth=grant))
    assert set(form(double)) == {"grant_type", "assertion"}
    assert private_key(text) == private_key(pem())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "client-secret",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        pem()[:400] + "\n-----END PRIVATE KEY-----",
        pem(lock=serialization.BestAvailableEncryption(b"word")),
        pem(rsa.generate_private_key(65537, 1024)),
    ],
    ids=["empty", "no PEM", "no key", "no DER", "cut off", "encrypted", "too short"],
)
def test_what_is_no_private_key_of_enough_bits_is_refused_and_not_quoted(text):
    with pytest.raises(CredentialsInvalid) as caught:
        private_key(text)
    assert not [line for line in text.splitlines()[1:-1] if line in str(caught.value)]


def test_a_key_that_does_not_fit_together_signs_nothing():
    """A signature by a faulty key would give the key away."""
    key = private_key(pem())
    with pytest.raises(CredentialsInvalid):
        signature(b"message", key._replace(private_exponent=key.private_exponent ^ 2))


@pytest.mark.parametrize("name", ["northwind--test.sandbox", "fast-cloud-1.scratch"])
def test_a_sandbox_has_an_audience_of_its_own(connection, double, tokens, name):
    sandbox = replace(connection, base_url=f"https://{name}.my.salesforce.com")
    tokens(base=sandbox.base_url)
    grant = OAuthGrant("client-id", pem(), "emtiaz@northwind.example")
    refreshed(sandbox, replace(CREDENTIALS, oauth=grant))
    claims = json.loads(decoded(form(double)["assertion"].split(".")[1]))
    assert claims["aud"] == "https://test.salesforce.com"


@pytest.mark.parametrize(
    "base_url",
    [
        "https://login.salesforce.com",
        "https://test.salesforce.com",
        "http://northwind.my.salesforce.com",
        "https://my.salesforce.com.example",
        "https://northwind.my.salesforce.com.example",
        "https://northwind.my.salesforce.com@example",
        "ftp://northwind.my.salesforce.com",
        "",
    ],
)
def test_nothing_is_sent_to_what_is_no_my_domain(connection, double, base_url):
    with pytest.raises(CredentialsInvalid, match="--base-url"):
        refreshed(replace(connection, base_url=base_url))
    assert not double.calls


def test_a_token_of_another_organisation_is_refused(connection, tokens):
    """A sandbox that was refreshed is another organisation under the same name."""
    tokens(body=ANSWER | {"id": "https://login.salesforce.com/id/00DWs000009ZzZ1MAK/005Ws000001dTfVIAU"})  # fmt: skip
    with pytest.raises(CredentialsInvalid, match="00DWs000009ZzZ1MAK"):
        refreshed(connection)


def test_the_first_token_tells_what_the_app_may_do(connection, tokens):
    tokens(body=ANSWER | {"scope": "api id"})
    made = oauth.granted(replace(connection, account_id=""), oauth.App("client-id", "client-secret"), NOON)  # fmt: skip
    assert made.scopes == {"api", "id"}
    assert made.grant == GRANT


@pytest.mark.parametrize("error", ["invalid_client", "invalid_grant", "<script>"])
def test_a_refusal_is_told_by_its_code_alone(connection, tokens, error):
    tokens(400, {"error": error, "error_description": "client-secret is wrong"})
    with pytest.raises(CredentialsInvalid) as caught:
        refreshed(connection)
    assert "client-secret" not in str(caught.value)
    assert (error in str(caught.value)) is error.isidentifier()


@pytest.mark.parametrize("error", ["unknown_error", "rate_limit_exceeded"])
def test_what_passes_by_itself_costs_no_connection_a_day(connection, tokens, error):
    """Whose grant is taken for dead rests until somebody connects it anew."""
    tokens(400, {"error": error, "error_description": "retry your request"})
    with pytest.raises(CrmUnavailable, match=error):
        refreshed(connection)


@pytest.mark.parametrize("body", [{}, [], {"access_token": 7}])
def test_an_answer_without_a_token_may_be_better_next_time(connection, tokens, body):
    tokens(body=body)
    with pytest.raises(CrmUnavailable):
        refreshed(connection)


def test_a_connection_without_a_grant_has_nothing_to_refresh(connection):
    with pytest.raises(CredentialsInvalid):
        refreshed(connection, SECRET)
