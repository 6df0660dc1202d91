import traceback

import botocore.session
import pytest

from chalicelib.adapters.secrets import (
    UNKNOWN_KEPT,
    SecretsManagerSecrets,
    from_text,
    secret_name,
    to_text,
)
from chalicelib.core.connector import OAuthGrant, Secret
from chalicelib.core.errors import ConfigurationError, Retryable, UnknownConnection
from tests.adapters.wire import refusal

OLD = Secret("https://example.com/hooks/hubspot-main", ("first",), "token")
GRANTED = Secret(
    OLD.url, ("first",), "", ("v2",), OAuthGrant("a client", "its secret", "a refresh token")
)
NEW = Secret(OLD.url, ("second", "first"), "token", certificates=("CN=northwind",))


class Vault:
    """Secrets Manager on the local cloud, the adapter before it, and a clock."""

    def __init__(self):
        self.manager = botocore.session.get_session().create_client("secretsmanager")
        self.now = 0.0
        self.secrets = SecretsManagerSecrets("test", seconds=lambda: self.now)
        self.requests = []
        self.secrets.client.meta.events.register("before-send", self._count)

    def _count(self, event_name, **_):
        self.requests.append(event_name.rsplit(".", 1)[-1])

    def keep(self, secret, name="hubspot-main"):
        text = to_text(secret) if isinstance(secret, Secret) else secret
        full = secret_name("test", name)
        try:
            self.manager.create_secret(Name=full, SecretString=text)
        except self.manager.exceptions.ResourceExistsException:
            self.manager.put_secret_value(SecretId=full, SecretString=text)


@pytest.fixture
def vault(cloud):
    cloud.reset()
    return Vault()


pytestmark = pytest.mark.local_cloud


@pytest.mark.parametrize("secret", [NEW, GRANTED])
def test_a_secret_is_read_as_it_was_kept(vault, secret):
    vault.keep(secret)
    assert vault.secrets.get("hubspot-main") == secret


def test_a_secret_of_an_earlier_version_is_read():
    text = '{"url": "u", "webhook_secrets": ["one"], "token": "t"}'
    assert from_text(text) == Secret("u", ("one",), "t")


def test_a_replaced_secret_is_kept_and_known_at_once(vault):
    vault.keep(OLD)
    vault.secrets.get("hubspot-main")
    vault.secrets.replace("hubspot-main", GRANTED)
    assert vault.secrets.get("hubspot-main") == GRANTED
    assert SecretsManagerSecrets("test").get("hubspot-main") == GRANTED


def test_a_secret_that_could_not_be_replaced_is_worth_another_try_and_not_quoted(vault):
    with pytest.raises(Retryable) as raised:
        vault.secrets.replace("hubspot-main", GRANTED)
    assert "a refresh token" not in "".join(traceback.format_exception(raised.value))
    vault.keep(OLD)
    assert vault.secrets.get("hubspot-main") == OLD


def test_a_secret_is_read_once_a_minute(vault):
    vault.keep(OLD)
    for vault.now in (0, 30, 59.9, 60, 100):
        vault.secrets.get("hubspot-main")
    assert len(vault.requests) == 2


def test_a_rotated_secret_is_seen_when_asked_for_afresh(vault):
    vault.keep(OLD)
    vault.secrets.get("hubspot-main")
    vault.keep(NEW)
    vault.now = 5
    assert vault.secrets.get("hubspot-main") == OLD
    assert vault.secrets.get("hubspot-main", fresh=True) == NEW
    assert vault.secrets.get("hubspot-main") == NEW


def test_a_flood_of_forgeries_asks_for_a_fresh_secret_once_a_second(vault):
    vault.keep(OLD)
    for _ in range(50):
        vault.secrets.get("hubspot-main", fresh=True)
    assert len(vault.requests) == 1
    vault.now = 1
    vault.secrets.get("hubspot-main", fresh=True)
    assert len(vault.requests) == 2


def test_an_unknown_connection_is_asked_for_once_in_a_while(vault):
    for vault.now in (0, 5, 9.9):
        with pytest.raises(UnknownConnection):
            vault.secrets.get("hubspot-main")
    assert len(vault.requests) == 1
    vault.keep(OLD)
    vault.now = 10
    assert vault.secrets.get("hubspot-main") == OLD


def test_unknown_connections_are_remembered_in_bounded_number(vault):
    for number in range(UNKNOWN_KEPT + 20):
        with pytest.raises(UnknownConnection):
            vault.secrets.get(f"hubspot-{number}")
    assert len(vault.secrets._unknown) == UNKNOWN_KEPT


@pytest.mark.parametrize("name", ["", "../other", "HUBSPOT-main", "hubspot-main\n", "a" * 90])
def test_what_cannot_be_a_connection_is_not_asked_for(vault, name):
    with pytest.raises(UnknownConnection):
        vault.secrets.get(name)
    assert vault.requests == []


def test_a_deleted_secret_is_an_unknown_connection(vault):
    vault.keep(OLD)
    vault.secrets.get("hubspot-main")
    vault.manager.delete_secret(SecretId=secret_name("test", "hubspot-main"))
    vault.now = 61
    with pytest.raises(UnknownConnection):
        vault.secrets.get("hubspot-main")


def test_a_manager_that_is_busy_is_worth_trying_again(vault):
    vault.secrets.client.meta.events.register(
        "before-send", lambda **_: refusal("DecryptionFailure")
    )
    with pytest.raises(Retryable):
        vault.secrets.get("hubspot-main")


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "[]",
        '{"url": "hunter2"}',
        '{"url": "u", "webhook_secrets": "hunter2", "token": "t"}',
        '{"url": "u", "webhook_secrets": [""], "token": "hunter2"}',
        '{"url": "u", "webhook_secrets": [1], "token": "hunter2"}',
        '{"url": "u", "webhook_secrets": 1, "token": "hunter2"}',
        '{"url": "u", "webhook_secrets": ["s"], "token": 1, "oauth": {"client_id": "hunter2"}}',
        '{"url": "u", "webhook_secrets": ["s"], "token": "t", "oauth": {"client_id": "hunter2"}}',
        '{"url": "u", "webhook_secrets": ["s"], "token": "t", "signatures": "hunter2"}',
    ],
)
def test_a_malformed_secret_is_loud_but_keeps_its_text_to_itself(text):
    with pytest.raises(ConfigurationError) as raised:
        from_text(text)
    assert "hunter2" not in "".join(traceback.format_exception(raised.value, limit=0))
    assert raised.value.__suppress_context__
