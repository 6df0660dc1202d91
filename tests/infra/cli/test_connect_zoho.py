"""``emtiaz connect zoho --oauth`` against the stand-in Zoho: self clients, and a page that agrees."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import boto3
import pytest
import requests

import connectors
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.secrets import from_text
from chalicelib.core.connector import OAuthGrant, Update
from chalicelib.core.outputs import OUTPUTS
from chalicelib.pipeline.local_access import local_access
from chalicelib.pipeline.reconcile import reconcile
from chalicelib.policy import compile_policy
from connectors.zoho.signature import address
from infra.cli import authorization
from infra.crm.zoho.project import oauth_scopes
from infra.sandbox.local_cloud import LocalCloud
from infra.sandbox.stand_in import Deal, Person
from infra.sandbox.zoho import start
from infra.sandbox.zoho.scopes import EVERYTHING
from infra.sandbox.zoho.settings import OAuthApp
from tests.connectors.scripted_server import free_port
from tests.fakes.clock import NOON
from tests.infra.crm.hubspot.policies import STARTER
from tests.pipeline.conftest import Installation as Fakes

pytestmark = pytest.mark.local_cloud
ASKED = tuple(scope for some in oauth_scopes(STARTER) for scope in some)


@pytest.fixture(scope="module", autouse=True)
def cloud():
    with LocalCloud() as cloud, pytest.MonkeyPatch.context() as environment:
        for name, value in cloud.environment.items():
            environment.setenv(name, value)
        yield cloud


@pytest.fixture
def edition():
    return "professional"


@pytest.fixture
def zoho(edition):
    with start(time_zone="Asia/Tehran", edition=edition) as zoho:
        yield zoho


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    for name in ("EMTIAZ_TOKEN", "EMTIAZ_WEBHOOK_SECRET", "EMTIAZ_CODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMTIAZ_CLIENT_ID", OAuthApp().client_id)
    monkeypatch.setenv("EMTIAZ_CLIENT_SECRET", OAuthApp().client_secret)


@pytest.fixture(autouse=True)
def real_connectors(monkeypatch):
    """And a real use of what was granted; of the installation the store alone is a fake."""
    services = Fakes.services.fget

    def opened(fakes):
        def access(connection):
            return local_access(stored(connection.id), SystemClock())

        return replace(services(fakes), open_access=access)

    monkeypatch.setattr(Fakes, "_load", lambda _fakes, name: connectors.load(name))
    monkeypatch.setattr(Fakes, "services", property(opened))


@pytest.fixture
def connect(emtiaz, installation, zoho):
    def run(connection, *more, at=None):
        server = ("--connection", connection, "--base-url", at or zoho.url)
        return emtiaz("connect", "zoho", *server, "--oauth", "--yes", *more)

    return run


@pytest.fixture
def with_code(connect, installation, zoho, monkeypatch):
    """As with a self client, whose code an admin makes."""

    def run(connection, *more, scopes=ASKED):
        monkeypatch.setenv("EMTIAZ_CODE", zoho.oauth.grant_code(scopes))
        outcome = connect(connection, *more)
        if outcome.code == 0:
            installation.fakes.secrets.secrets[connection] = stored(connection)
        return outcome

    return run


def stored(connection):
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=f"emtiaz/test/{connection}")
    return from_text(secret["SecretString"])


def held(installation, connection):
    return installation.fakes.settings.live(connection).connection


def test_the_code_of_a_self_client_connects(with_code, installation, zoho):
    outcome = with_code("zoho-self")
    assert outcome.code == 0, outcome.err
    (refresh_token,) = zoho.oauth.refresh_tokens()
    app = OAuthApp()
    assert stored("zoho-self").oauth == OAuthGrant(app.client_id, app.client_secret, refresh_token)
    found = held(installation, "zoho-self")
    assert (found.account_id, found.time_zone) == (zoho.org.settings.zgid, "Asia/Tehran")
    assert found.details["edition"] == "professional"
    assert zoho.oauth.refreshes() == ()


def test_a_code_is_read_with_the_client_from_three_lines(connect, zoho, monkeypatch):
    lines = (OAuthApp().client_id, OAuthApp().client_secret, zoho.oauth.grant_code(ASKED))
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    outcome = connect("zoho-lines", "--stdin")
    assert outcome.code == 0, outcome.err


def test_what_is_asked_for_is_enough_for_connecting_and_for_the_fields(
    with_code, emtiaz, installation, zoho
):
    assert with_code("zoho-enough").code == 0
    outcome = emtiaz("provision", "--connection", "zoho-enough", "--yes")
    assert outcome.code == 0, outcome.err
    again = emtiaz("provision", "--connection", "zoho-enough")
    assert (again.code, "all fields are there" in again.err) == (0, True)
    details = held(installation, "zoho-enough").details
    assert details["field.contact.score"] == "Emtiaz_score"
    assert details["field.lead.score"] == "Emtiaz_score"
    assert details["edition"] == "professional"


def test_what_is_asked_for_is_enough_for_reading_and_writing(with_code, emtiaz, installation, zoho):
    services = installation.fakes.services
    company = zoho.people.load_company("Acme", 40)
    person = zoho.people.load_person(Person("ada@acme.example"), company)
    zoho.people.load_deal(person, Deal("100", "USD", "won", NOON))
    with_code("zoho-works")
    emtiaz("provision", "--connection", "zoho-works", "--yes")
    live = services.settings.live("zoho-works")
    client = services.client(live, compile_policy(live.policy).attributes)
    ref, now = zoho.ref("zoho-works", person), zoho.clock.now()
    reading = client.fetch([ref], now)
    assert {fact.type for fact in reading.facts[ref]} >= {"contact", "account", "deal"}
    assert client.write([Update(ref, {"score": 42, "tags": ("class:a",)})]) == {}
    shown = client.shown([ref], [one for one in OUTPUTS if one.name in ("score", "tags")])
    assert shown[ref] == {"score": 42, "tags": ("class:a",)}
    assert ref in client.changed_since(now - timedelta(days=1), None).refs
    assert client.list_subjects(None)


@pytest.mark.parametrize("edition", ["standard"])
def test_a_small_edition_takes_the_minimal_profile_and_nothing_of_the_full_one(
    with_code, emtiaz, installation, zoho, tmp_path
):
    with_code("zoho-small")
    outcome = emtiaz("provision", "--connection", "zoho-small", "--yes")
    assert outcome.code == 1
    assert "standard takes 10 custom fields" in outcome.out
    assert "publish: {profile: minimal}" in outcome.out
    assert not [name for name in held(installation, "zoho-small").details if "field." in name]
    live = installation.fakes.settings.live("zoho-small")
    page = tmp_path / "minimal.json"
    page.write_text(json.dumps({**live.policy, "publish": {"step": 5, "profile": "minimal"}}))
    outcome = emtiaz("provision", "--connection", "zoho-small", "--policy", page, "--yes")
    assert outcome.code == 0, outcome.err
    assert held(installation, "zoho-small").details["field.contact.score"] == "Emtiaz_score"


def test_zoho_rings_by_the_secret_that_was_made(with_code, zoho):
    with_code("zoho-rings")
    secret = stored("zoho-rings")
    assert {one.url for one in zoho.channels.live()} == {address(secret)}


def test_a_channel_that_somebody_closed_is_open_again_after_the_next_look(
    with_code, installation, zoho
):
    with_code("zoho-closed")
    settings, before = installation.fakes.settings, zoho.channels.live()
    zoho.channels.drop()
    assert zoho.channels.live() == []
    settings.connections = lambda: (settings.live("zoho-closed").connection,)
    now = SystemClock().now()
    reconcile(installation.fakes.services, now, now + timedelta(minutes=1))
    assert {one.id for one in zoho.channels.live()} == {one.id for one in before}


def test_zoho_can_be_made_to_ring_no_more(with_code, emtiaz, zoho):
    with_code("zoho-quiet")
    assert emtiaz("unsubscribe", "--connection", "zoho-quiet", "--yes").code == 0
    assert not zoho.channels.live()
    assert silent_since(emtiaz, "zoho-quiet")
    emtiaz("provision", "--connection", "zoho-quiet", "--yes")
    assert zoho.channels.live()
    assert not silent_since(emtiaz, "zoho-quiet")


def silent_since(emtiaz, connection):
    known = emtiaz("status", "--json").json["connections"]
    (since,) = (one["unsubscribed"] for one in known if one["connection"] == connection)
    return since


def test_connecting_again_keeps_the_secret_and_opens_nothing_anew(with_code, installation, zoho):
    with_code("zoho-again")
    before, made = zoho.channels.live(), stored("zoho-again").webhook_secrets
    assert with_code("zoho-again").code == 0
    assert stored("zoho-again").webhook_secrets == made
    assert len(zoho.channels.live()) == len(before)


def test_nothing_that_is_printed_opens_anything(with_code):
    outcome = with_code("zoho-printed")
    told = outcome.out + outcome.err
    secret = stored("zoho-printed")
    opening = (secret.oauth.refresh_token, secret.oauth.client_secret, *secret.webhook_secrets)
    assert not [one for one in (*opening, address(secret)) if one in told]


def test_wide_scopes_will_do(with_code):
    outcome = with_code("zoho-wide", scopes=EVERYTHING)
    assert outcome.code == 0, outcome.err
    assert "what depends on it is left out" not in outcome.err


def test_a_client_without_a_required_scope_connects_nothing(with_code, installation):
    scopes = [one for one in ASKED if not one.startswith("ZohoCRM.notifications")]
    outcome = with_code("zoho-short", scopes=scopes)
    assert (outcome.code, outcome.err) == (
        1,
        "the account did not grant ZohoCRM.notifications.ALL; nothing was connected\n",
    )


def test_what_is_optional_may_be_left_out(with_code):
    outcome = with_code("zoho-least", scopes=oauth_scopes(STARTER)[0])
    assert outcome.code == 0, outcome.err
    assert "ZohoCRM.modules.notes.CREATE; what depends on it is left out" in outcome.err


def test_an_old_code_connects_nothing(connect, installation, zoho, monkeypatch):
    monkeypatch.setenv("EMTIAZ_CODE", zoho.oauth.grant_code(ASKED, timedelta(seconds=-1)))
    outcome = connect("zoho-late")
    assert outcome.code == 4
    assert "too old" in outcome.err
    assert "zoho-late" not in [one.id for one in installation.fakes.settings.connections()]


def test_the_page_of_a_server_based_client_says_where_the_organisation_is(
    connect, installation, zoho, monkeypatch
):
    """The answer names its accounts server, and that one the API."""
    seen, errands = [], []

    def go(url):
        errands.append(Thread(target=lambda: seen.append(requests.get(url, timeout=5))))
        errands[-1].start()

    monkeypatch.setattr(authorization, "send_person_to", go)
    callback = f"http://localhost:{free_port()}/callback"
    outcome = connect("zoho-page", "--redirect-url", callback)
    for errand in errands:
        errand.join()
    assert outcome.code == 0, outcome.err
    assert [page.text for page in seen] == ["Emtiaz has its answer. You can close this page."]
    assert held(installation, "zoho-page").base_url == zoho.url


def test_the_scopes_can_be_printed_before_there_is_a_client(emtiaz, installation):
    outcome = emtiaz("connect", "zoho", "--oauth", "--prepare")
    assert outcome.code == 0
    assert outcome.out == ",".join(ASKED) + "\n"


@pytest.mark.parametrize("option", ["--project", "--webhooks-file"])
def test_there_are_no_files_to_upload(emtiaz, installation, tmp_path, option):
    outcome = emtiaz("connect", "zoho", option, tmp_path / "app", "--prepare")
    assert outcome.code == 2
    assert "takes no files" in " ".join(outcome.err.replace("│", "").split())
