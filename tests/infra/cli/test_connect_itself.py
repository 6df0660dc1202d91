"""``emtiaz connect --oauth`` of a CRM whose apps work without anybody's agreement."""

import io

import boto3
import pytest

from chalicelib.adapters.secrets import from_text
from connectors.salesforce.signature import path_token
from infra.sandbox.local_cloud import LocalCloud
from infra.sandbox.salesforce import acting

pytestmark = pytest.mark.local_cloud


@pytest.fixture(scope="module", autouse=True)
def cloud():
    with LocalCloud() as cloud, pytest.MonkeyPatch.context() as environment:
        for name, value in cloud.environment.items():
            environment.setenv(name, value)
        yield cloud


@pytest.fixture
def salesforce(monkeypatch):
    for name in ("EMTIAZ_TOKEN", "EMTIAZ_WEBHOOK_SECRET", "EMTIAZ_USER"):
        monkeypatch.delenv(name, raising=False)
    with acting.start() as running:
        _, variables = running.credentials()
        for name in ("EMTIAZ_CLIENT_ID", "EMTIAZ_CLIENT_SECRET"):
            monkeypatch.setenv(name, variables[name])
        yield running


@pytest.fixture
def connect(emtiaz, installation, salesforce):
    def run(connection, *more):
        server = ("--base-url", salesforce.url)
        return emtiaz("connect", "salesforce", "--connection", connection, *server, "--oauth", "--yes", *more)  # fmt: skip

    return run


def stored(connection):
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=f"emtiaz/test/{connection}")
    return from_text(secret["SecretString"])


def test_an_app_is_connected_with_a_secret_of_ours(connect, installation, salesforce):
    outcome = connect("salesforce-main")
    assert outcome.code == 0, outcome.err
    assert "deploy what --project writes" in outcome.out  # the bare address would be refused
    secret = stored("salesforce-main")
    assert secret.oauth == salesforce.granted("").oauth
    assert (secret.token, len(secret.webhook_secrets[0])) == ("", 32)
    live = installation.fakes.settings.live("salesforce-main")
    assert live.connection.account_id == salesforce.org.settings.org_id
    assert secret.webhook_secrets[0] not in outcome.out + outcome.err


def test_its_project_rings_the_address_of_this_organisation(connect, salesforce, tmp_path):
    assert connect("salesforce-rings", "--project", tmp_path).code == 0
    secret = stored("salesforce-rings")
    text = (tmp_path / "intake-outbound/main/default/workflows/Contact.workflow-meta.xml").read_text("utf-8")  # fmt: skip
    token = path_token(secret.webhook_secrets[0], salesforce.org.settings.org_id)
    assert f"{secret.url}/{token}" in text


def test_connecting_again_keeps_the_address(connect):
    assert connect("salesforce-again").code == 0
    before = stored("salesforce-again").webhook_secrets
    assert connect("salesforce-again").code == 0
    assert stored("salesforce-again").webhook_secrets == before


def test_an_expected_client_certificate_is_kept_until_it_is_lifted(connect):
    subjects = "CN=old", "CN=northwind"
    named = [word for one in subjects for word in ("--client-certificate", one)]
    for options, expected in (
        (named, subjects),
        ((), subjects),
        (("--client-certificate", ""), ()),
    ):
        assert connect("salesforce-certificate", *options).code == 0
        assert stored("salesforce-certificate").certificates == expected


def test_the_app_may_come_in_two_lines(connect, salesforce, monkeypatch):
    client = salesforce.org.settings.client
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{client.key}\n{client.secret}\n"))
    assert connect("salesforce-lines", "--stdin").code == 0


def test_a_wrong_secret_connects_nothing(connect, installation, monkeypatch):
    monkeypatch.setenv("EMTIAZ_CLIENT_SECRET", "another")
    outcome = connect("salesforce-wrong")
    assert outcome.code != 0
    assert "salesforce-wrong" not in [one.id for one in installation.fakes.settings.connections()]


def test_what_an_app_needs_is_told_before_there_is_one(emtiaz, installation):
    outcome = emtiaz("connect", "salesforce", "--oauth", "--prepare")
    assert (outcome.code, outcome.out.strip()) == (0, "api")
