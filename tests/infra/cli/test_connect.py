import io
import json
import sys
from dataclasses import replace
from types import ModuleType

import boto3
import pytest

import connectors
from chalicelib.adapters.secrets import from_text
from chalicelib.core.connector import Account
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable
from infra.crm.project_file import ProjectFile
from infra.sandbox.local_cloud import LocalCloud
from tests.fakes import connector as toy
from tests.fakes.clock import NOON
from tests.fakes.crm import FakeCrm, ForgetfulCrm
from tests.pipeline.conftest import CONNECTION

SERVER = ("--base-url", "https://toy.example", "--api-version", "1")
pytestmark = pytest.mark.local_cloud


@pytest.fixture(scope="module", autouse=True)
def cloud():
    with LocalCloud() as cloud, pytest.MonkeyPatch.context() as environment:
        for name, value in cloud.environment.items():
            environment.setenv(name, value)
        yield cloud


@pytest.fixture
def crm(monkeypatch):
    crm = FakeCrm()
    monkeypatch.setattr(connectors, "names", lambda: ("toy",))
    monkeypatch.setattr(connectors, "load", lambda _name: toy.connector(crm))
    return crm


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("EMTIAZ_TOKEN", "the token")
    monkeypatch.setenv("EMTIAZ_WEBHOOK_SECRET", "the signing secret")


def stored(connection):
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=f"emtiaz/test/{connection}")
    return from_text(secret["SecretString"])


def test_connecting_keeps_account_policy_and_secret(emtiaz, installation, crm):
    outcome = emtiaz("connect", "toy", "--connection", "toy-shop", *SERVER, "--yes", "--json")
    assert outcome.code == 0
    assert outcome.json == {
        "connection": "toy-shop",
        "account": "424242",
        "webhooks": "https://emtiaz.example/v1/hooks/toy-shop",
    }
    live = installation.fakes.settings.live("toy-shop")
    assert (live.connection.account_id, live.connection.currency) == ("424242", "USD")
    assert live.policy["name"]
    assert stored("toy-shop").token == "the token"
    assert stored("toy-shop").webhook_secrets == ("the signing secret",)
    assert stored("toy-shop").url == outcome.json["webhooks"]


def test_the_shipped_policy_is_made_to_fit_the_account(emtiaz, installation, crm):
    crm._account = Account("424242", "IRR", "Asia/Tehran")
    arguments = ("toy", "--connection", "toy-iran", *SERVER, "--language", "fa", "--yes")
    assert emtiaz("connect", *arguments).code == 0
    policy = installation.fakes.settings.live("toy-iran").policy
    assert (policy["currency"], policy["time_zone"]) == ("IRR", "Asia/Tehran")
    assert policy["language"] == "fa"


def test_connecting_again_keeps_the_policy_in_force(emtiaz, installation, crm):
    emtiaz("connect", "toy", "--connection", "toy-kept", *SERVER, "--yes")
    settings = installation.fakes.settings
    own = {**settings.live("toy-kept").policy, "name": "Our own"}
    settings.publish_policy("toy-kept", "own", own, NOON)
    emtiaz("connect", "toy", "--connection", "toy-kept", *SERVER, "--yes")
    assert settings.live("toy-kept").policy["name"] == "Our own"


def test_connecting_again_publishes_nothing_anew(emtiaz, installation, crm):
    arguments = ("connect", "toy", "--connection", "toy-same", *SERVER, "--yes")
    assert [emtiaz(*arguments).code for _ in range(2)] == [0, 0]
    assert len(installation.fakes.settings.publications("toy-same")) == 1


def test_a_connection_that_was_left_half_made_can_be_made_whole(emtiaz, installation, crm):
    live = installation.fakes.settings.live(CONNECTION)
    installation.fakes.settings.put_connection(replace(live.connection, id="toy-half"))
    assert emtiaz("connect", "toy", "--connection", "toy-half", *SERVER, "--yes").code == 0
    assert installation.fakes.settings.live("toy-half").policy["name"]


def test_older_signatures_are_taken_where_the_admin_says_so(emtiaz, installation, crm):
    def kept(*options):
        emtiaz("connect", "toy", "--connection", "toy-old", *SERVER, *options, "--yes")
        secret = boto3.client("secretsmanager").get_secret_value(SecretId="emtiaz/test/toy-old")
        return json.loads(secret["SecretString"])["signatures"]

    assert kept() == []
    assert kept("--also-accept", "v2") == ["v2"]
    assert kept("--also-accept", "v1", "--also-accept", "v2") == ["v1", "v2"]


def test_the_files_of_an_app_are_written_with_the_connection(
    emtiaz, installation, crm, tmp_path, monkeypatch
):
    written = tmp_path / "written"
    made_by = ModuleType("infra.crm.toy.project")
    made_by.project_files = lambda folder, site: (ProjectFile(folder / "app.txt", site.url),)
    monkeypatch.setitem(sys.modules, "infra.crm.toy.project", made_by)
    arguments = ("connect", "toy", "--connection", "toy-app", *SERVER, "--project", written)
    outcome = emtiaz(*arguments, "--dry-run")
    assert f"{written / 'app.txt'} would be written" in outcome.err
    assert not written.exists()
    assert f"wrote {written / 'app.txt'}" in emtiaz(*arguments, "--yes").err
    assert (written / "app.txt").read_text() == "https://emtiaz.example/v1/hooks/toy-app"


def test_connecting_again_replaces_the_secret(emtiaz, installation, crm, monkeypatch):
    emtiaz("connect", "toy", "--connection", "toy-twice", *SERVER, "--yes")
    monkeypatch.setattr("sys.stdin", io.StringIO("newer token\nnewer secret\n"))
    again = emtiaz("connect", "toy", "--connection", "toy-twice", *SERVER, "--yes", "--stdin")
    assert again.code == 0
    assert stored("toy-twice").token == "newer token"
    assert stored("toy-twice").webhook_secrets == ("newer secret",)


def test_a_dry_run_asks_the_crm_and_keeps_nothing(emtiaz, installation, crm):
    outcome = emtiaz("connect", "toy", "--connection", "toy-dry", *SERVER, "--dry-run")
    assert "account 424242" in outcome.err
    assert "toy-dry" not in [one.id for one in installation.fakes.settings.connections()]


def test_a_refused_token_keeps_nothing(emtiaz, installation, crm):
    crm.fail_next("account", CredentialsInvalid("the token is not accepted"))
    outcome = emtiaz("connect", "toy", "--connection", "toy-no", *SERVER, "--yes")
    assert (outcome.code, outcome.err) == (4, "the token is not accepted\n")
    assert "toy-no" not in [one.id for one in installation.fakes.settings.connections()]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nocrm",), "no connector 'nocrm'"),
        (("toy", "--connection", "Toy Shop", *SERVER), "small letters"),
        (("toy", "--connection", "other-main", *SERVER), "must be toy-"),
        (("toy", "--language", "de"), "'de' is not one of"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(
    emtiaz, installation, crm, arguments, complaint
):
    outcome = emtiaz("connect", *arguments)
    assert outcome.code == 2
    assert complaint in outcome.err
    assert crm.calls == []


def test_without_credentials_nothing_happens(emtiaz, installation, crm, monkeypatch):
    monkeypatch.delenv("EMTIAZ_TOKEN")
    outcome = emtiaz("connect", "toy", *SERVER)
    assert outcome.code == 2
    assert "access token" in outcome.err


def test_no_option_takes_a_secret(emtiaz):
    assert not [word for word in emtiaz("connect", "--help").out.split() if word == "--token"]


def test_connecting_makes_a_secret_for_events_and_keeps_it_when_repeated(emtiaz, installation, crm):
    arguments = ("connect", "toy", "--connection", "toy-events", *SERVER, "--yes")
    assert emtiaz(*arguments).code == 0
    (made,) = stored("toy-events").events_secrets
    assert made.startswith("whsec_")
    assert emtiaz(*arguments).code == 0
    assert stored("toy-events").events_secrets == (made,)


@pytest.fixture
def unsigned(monkeypatch):
    """A CRM that cannot sign, rings for some days only, and tells details of its account."""
    crm = ForgetfulCrm(account=Account("424242", "USD", "UTC", {"edition": "standard"}))
    monkeypatch.setattr(connectors, "names", lambda: ("toy",))
    monkeypatch.setattr(connectors, "load", lambda _name: toy.connector(crm, signs=False))
    monkeypatch.delenv("EMTIAZ_WEBHOOK_SECRET")
    return crm


def test_a_crm_that_cannot_sign_is_given_a_secret_of_ours_and_keeps_it(
    emtiaz, installation, unsigned
):
    arguments = ("connect", "toy", "--connection", "toy-unsigned", *SERVER, "--yes")
    assert emtiaz(*arguments).code == 0
    (made,) = stored("toy-unsigned").webhook_secrets
    assert len(made) == 32
    assert emtiaz(*arguments).code == 0
    assert stored("toy-unsigned").webhook_secrets == (made,)


def test_a_secret_of_ours_is_replaced_where_somebody_says_so(
    emtiaz, installation, unsigned, monkeypatch
):
    arguments = ("connect", "toy", "--connection", "toy-leaked", *SERVER, "--yes")
    emtiaz(*arguments)
    monkeypatch.setenv("EMTIAZ_WEBHOOK_SECRET", "another")
    emtiaz(*arguments)
    assert stored("toy-leaked").webhook_secrets == ("another",)


def test_of_a_crm_that_cannot_sign_the_token_alone_is_asked_for(
    emtiaz, installation, unsigned, monkeypatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO("a token\n"))
    outcome = emtiaz("connect", "toy", "--connection", "toy-alone", *SERVER, "--yes", "--stdin")
    assert outcome.code == 0, outcome.err
    assert stored("toy-alone").token == "a token"


def test_nothing_that_connecting_prints_holds_the_secret_that_was_made(
    emtiaz, installation, unsigned
):
    outcome = emtiaz("connect", "toy", "--connection", "toy-quiet", *SERVER, "--yes")
    (made,) = stored("toy-quiet").webhook_secrets
    assert made not in outcome.out + outcome.err


def test_a_crm_that_rings_when_asked_to_is_asked_once_it_would_be_heard(
    emtiaz, installation, unsigned
):
    outcome = emtiaz("connect", "toy", "--connection", "toy-rings", *SERVER, "--yes")
    assert unsigned.is_subscribed
    assert outcome.out == "connected toy-rings; next: emtiaz provision --connection toy-rings\n"


def test_a_crm_that_does_not_ring_yet_is_connected_all_the_same(emtiaz, installation, unsigned):
    unsigned.fail_next("subscribe", CrmUnavailable("503"))
    outcome = emtiaz("connect", "toy", "--connection", "toy-later", *SERVER, "--yes")
    assert outcome.code == 0
    assert "it does not ring yet" in outcome.err
    assert stored("toy-later").token == "the token"


def test_what_the_account_tells_is_kept_beside_what_provisioning_found(
    emtiaz, installation, unsigned
):
    arguments = ("connect", "toy", "--connection", "toy-details", *SERVER, "--yes")
    emtiaz(*arguments)
    settings = installation.fakes.settings
    held = settings.live("toy-details").connection
    assert held.details == {"edition": "standard"}
    named = {**held.details, "field.contact.score": "Toy_score"}
    settings.put_connection(replace(held, details=named))
    unsigned._account = Account("424242", "USD", "UTC", {"edition": "enterprise"})
    emtiaz(*arguments)
    assert settings.live("toy-details").connection.details == {
        "edition": "enterprise",
        "field.contact.score": "Toy_score",
    }


def test_connecting_again_goes_to_where_the_account_was(emtiaz, installation, crm):
    elsewhere = ("--base-url", "https://eu.toy.example")
    emtiaz("connect", "toy", "--connection", "toy-eu", *elsewhere, "--yes")
    emtiaz("connect", "toy", "--connection", "toy-eu", "--yes")
    assert installation.fakes.settings.live("toy-eu").connection.base_url == elsewhere[1]


@pytest.mark.parametrize("address", ["eu.toy.example", "http://eu.toy.example", "eu"])
def test_credentials_are_sent_nowhere_in_the_clear(emtiaz, installation, crm, address):
    outcome = emtiaz("connect", "toy", "--connection", "toy-eu", "--base-url", address, "--yes")
    assert outcome.code == 2
    assert f"'{address}' must begin with https://" in outcome.err


def test_an_address_may_end_in_a_slash(emtiaz, installation, crm):
    address = "https://eu.toy.example"
    emtiaz("connect", "toy", "--connection", "toy-eu", "--base-url", f"{address}/", "--yes")
    assert installation.fakes.settings.live("toy-eu").connection.base_url == address


def test_a_connection_is_not_turned_to_another_account(emtiaz, installation, crm):
    arguments = ("connect", "toy", "--connection", "toy-one", *SERVER, "--yes")
    emtiaz(*arguments)
    crm._account = Account("171717", "USD", "UTC")
    outcome = emtiaz(*arguments)
    assert (outcome.code, "of account 424242, and this is 171717" in outcome.err) == (1, True)
    assert installation.fakes.settings.live("toy-one").connection.account_id == "424242"
