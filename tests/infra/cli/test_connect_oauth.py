"""``emtiaz connect hubspot --oauth`` against the stand-in HubSpot, whose page agrees at once."""

import io
from threading import Thread

import boto3
import pytest
import requests

from chalicelib.adapters.secrets import from_text
from chalicelib.core.connector import OAuthGrant
from infra.cli import authorization
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.oauth import OAuthApp
from infra.sandbox.hubspot.portal import Settings
from infra.sandbox.local_cloud import LocalCloud
from tests.connectors.scripted_server import free_port
from tests.fakes.clock import NOON

pytestmark = pytest.mark.local_cloud


@pytest.fixture(scope="module", autouse=True)
def cloud():
    with LocalCloud() as cloud, pytest.MonkeyPatch.context() as environment:
        for name, value in cloud.environment.items():
            environment.setenv(name, value)
        yield cloud


@pytest.fixture
def callback():
    return f"http://localhost:{free_port()}/callback"


@pytest.fixture
def account(callback):
    """Starts an account whose subscription lacks some scopes."""
    running = []

    def start(**app):
        stand_in = StandIn.start(settings=Settings(oauth_app=OAuthApp(redirect_urls=(callback,), **app)))  # fmt: skip
        running.append(stand_in)
        return stand_in

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def hubspot(account):
    return account()


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name in ("EMTIAZ_TOKEN", "EMTIAZ_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMTIAZ_CLIENT_ID", OAuthApp().client_id)
    monkeypatch.setenv("EMTIAZ_CLIENT_SECRET", OAuthApp().client_secret)


@pytest.fixture
def pages(monkeypatch):
    """What the person sees, who goes wherever they are sent."""
    seen, errands = [], []

    def go(url):
        errands.append(Thread(target=lambda: seen.append(requests.get(url, timeout=5))))
        errands[-1].start()

    monkeypatch.setattr(authorization, "send_person_to", go)
    yield seen
    for errand in errands:
        errand.join()


@pytest.fixture
def connect(emtiaz, installation, callback):
    def run(stand_in, connection, *more):
        server = ("--base-url", stand_in.url, "--redirect-url", callback)
        arguments = ("hubspot", "--connection", connection, *server, "--oauth", "--yes", *more)
        return emtiaz("connect", *arguments)

    return run


def stored(connection):
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=f"emtiaz/test/{connection}")
    return from_text(secret["SecretString"])


def test_an_admin_agrees_and_the_grant_is_kept(connect, installation, hubspot, pages):
    outcome = connect(hubspot, "hubspot-granted")
    assert outcome.code == 0, outcome.err
    assert [page.text for page in pages] == ["Emtiaz has its answer. You can close this page."]
    secret, app = stored("hubspot-granted"), OAuthApp()
    (refresh_token,) = hubspot.oauth.refresh_tokens()
    assert secret.oauth == OAuthGrant(app.client_id, app.client_secret, refresh_token)
    assert secret.token == ""
    assert secret.webhook_secrets == (app.client_secret,)
    live = installation.fakes.settings.live("hubspot-granted")
    assert live.connection.account_id == "62515"
    assert hubspot.oauth.refreshes() == ()


def test_nothing_that_is_printed_opens_anything(connect, hubspot, pages):
    outcome = connect(hubspot, "hubspot-printed")
    told = outcome.out + outcome.err
    secret = stored("hubspot-printed")
    assert secret.oauth.refresh_token not in told
    assert secret.oauth.client_secret not in told


def test_a_code_that_somebody_fetched_is_read_with_the_app(connect, hubspot, callback, monkeypatch):
    app = hubspot.oauth.app
    code = hubspot.oauth.authorize(app.client_id, callback, app.scopes, app.optional_scopes)
    lines = io.StringIO(f"{app.client_id}\n{app.client_secret}\n{code}\n")
    monkeypatch.setattr("sys.stdin", lines)
    outcome = connect(hubspot, "hubspot-stdin", "--stdin")
    assert outcome.code == 0, outcome.err
    assert stored("hubspot-stdin").oauth.refresh_token in hubspot.oauth.refresh_tokens()


def test_a_code_that_is_good_no_more_connects_nothing(connect, installation, hubspot, monkeypatch):
    app = hubspot.oauth.app
    lines = io.StringIO(f"{app.client_id}\n{app.client_secret}\na code of yesterday\n")
    monkeypatch.setattr("sys.stdin", lines)
    outcome = connect(hubspot, "hubspot-late", "--stdin")
    assert (outcome.code, "BAD_AUTH_CODE" in outcome.err) == (4, True)
    assert "a code of yesterday" not in outcome.err
    assert installation.fakes.settings.connections()[0].id == "toy-main"


def test_optional_scopes_that_an_account_lacks_are_named(connect, account, pages):
    lacking = account(unavailable_scopes=("settings.currencies.read",))
    outcome = connect(lacking, "hubspot-small")
    assert outcome.code == 0, outcome.err
    assert "the account has no settings.currencies.read" in outcome.err


def test_a_required_scope_that_was_not_granted_connects_nothing(
    connect, installation, hubspot, pages, monkeypatch
):
    authorize = hubspot.oauth.authorize

    def forgetful(client_id, redirect_uri, scopes, optional):
        code = authorize(client_id, redirect_uri, scopes, optional)
        held = hubspot.oauth._codes[code]
        object.__setattr__(held, "scopes", tuple(one for one in held.scopes if one != "oauth"))
        return code

    monkeypatch.setattr(hubspot.oauth, "authorize", forgetful)
    outcome = connect(hubspot, "hubspot-short")
    assert (outcome.code, outcome.err) == (
        1,
        "the account did not grant oauth; nothing was connected\n",
    )
    assert len(installation.fakes.settings.connections()) == 1


def test_connecting_again_wakes_a_connection_whose_grant_was_withdrawn(
    connect, installation, hubspot, pages
):
    connect(hubspot, "hubspot-again")
    installation.fakes.settings.pause("hubspot-again", NOON, "withdrawn")
    hubspot.oauth.uninstall()
    assert connect(hubspot, "hubspot-again").code == 0
    assert installation.fakes.settings.live("hubspot-again").paused_until is None
    assert stored("hubspot-again").oauth.refresh_token in hubspot.oauth.refresh_tokens()


def test_an_app_is_prepared_for_the_address_that_oauth_returns_to(emtiaz, installation, tmp_path):
    folder = tmp_path / "app"
    outcome = emtiaz("connect", "hubspot", "--oauth", "--project", folder, "--prepare")
    assert outcome.code == 0
    app = (folder / "src" / "app" / "app-hsmeta.json").read_text()
    assert authorization.REDIRECT_URL in app


def test_an_address_elsewhere_needs_the_code_to_be_copied(emtiaz, installation, hubspot):
    elsewhere = ("--oauth", "--redirect-url", "https://emtiaz.example/callback")
    outcome = emtiaz("connect", "hubspot", "--base-url", hubspot.url, *elsewhere, "--yes")
    assert outcome.code == 2
    assert "--stdin" in outcome.err


def test_without_the_apps_credentials_nobody_is_asked(connect, hubspot, pages, monkeypatch):
    monkeypatch.delenv("EMTIAZ_CLIENT_SECRET")
    outcome = connect(hubspot, "hubspot-none")
    assert outcome.code == 2
    assert "client secret" in outcome.err
    assert pages == []
