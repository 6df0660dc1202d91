import json

import pytest

PREPARE = ("connect", "hubspot", "--prepare")


@pytest.fixture(autouse=True)
def _no_secret_yet(monkeypatch):
    monkeypatch.setattr("infra.cli.connect.held_secret", lambda _stage, _connection: None)


def read(path):
    return json.loads(path.read_text("utf-8"))


def test_a_project_is_written_before_there_is_a_token(emtiaz, installation, tmp_path):
    folder = tmp_path / "hubspot-app"
    outcome = emtiaz(*PREPARE, "--project", folder)
    assert outcome.code == 0
    assert outcome.err.count("wrote ") == 3
    webhooks = read(folder / "src" / "app" / "webhooks" / "emtiaz-hsmeta.json")
    assert webhooks["config"]["settings"]["targetUrl"] == (
        "https://emtiaz.example/v1/hooks/hubspot-main"
    )
    assert "hubspot-main" not in [one.id for one in installation.fakes.settings.connections()]


def test_writing_it_again_changes_nothing_and_says_so(emtiaz, installation, tmp_path):
    emtiaz(*PREPARE, "--project", tmp_path)
    again = emtiaz(*PREPARE, "--project", tmp_path)
    assert "wrote" not in again.err
    assert "unchanged: 3 of 3 files" in again.err


def test_a_dry_run_writes_nothing(emtiaz, installation, tmp_path):
    folder = tmp_path / "hubspot-app"
    outcome = emtiaz(*PREPARE, "--project", folder, "--dry-run")
    assert outcome.err.count("would be written") == 3
    assert not folder.exists()


def test_the_policy_in_force_decides_what_rings(emtiaz, installation, tmp_path):
    target = tmp_path / "emtiaz-hsmeta.json"
    emtiaz(*PREPARE, "--webhooks-file", target)
    settings = installation.fakes.settings
    page = {**settings.live("toy-main").policy}
    page["attributes"] = {
        **page["attributes"],
        "x": {"type": "text", "of": "ticket", "hubspot": "x"},
    }
    connect_as(settings, "hubspot-main", page)
    emtiaz(*PREPARE, "--webhooks-file", target)
    rung = read(target)["config"]["subscriptions"]["legacyCrmObjects"]
    assert {"subscriptionType": "ticket.associationChange", "active": True} in rung


def connect_as(settings, connection, page):
    from dataclasses import replace

    from tests.fakes.clock import NOON

    crm = connection.split("-", 1)[0]
    settings.put_connection(replace(settings.live("toy-main").connection, id=connection, crm=crm))
    settings.publish_policy(connection, "own", page, NOON)


def test_with_a_redirect_url_the_app_uses_oauth(emtiaz, installation, tmp_path):
    emtiaz(*PREPARE, "--project", tmp_path, "--redirect-url", "http://localhost:8000/")
    auth = read(tmp_path / "src" / "app" / "app-hsmeta.json")["config"]["auth"]
    assert (auth["type"], auth["redirectUrls"]) == ("oauth", ["http://localhost:8000/"])


def test_a_foreign_file_stops_everything_with_a_reason(emtiaz, installation, tmp_path):
    app = tmp_path / "src" / "app" / "app-hsmeta.json"
    app.parent.mkdir(parents=True)
    app.write_text('{"uid": "theirs", "type": "app"}', "utf-8")
    outcome = emtiaz(*PREPARE, "--project", tmp_path)
    assert outcome.code == 1
    assert "another place" in outcome.err
    assert [path.name for path in tmp_path.rglob("*.json")] == ["app-hsmeta.json"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "--project or --webhooks-file"),
        (("--webhooks-file", "w.json", "--redirect-url", "https://x.example"), "--project"),
        (("--project", "p", "--redirect-url", "http://x.example"), "https://"),
        (("--project", "p", "--redirect-url", "ftp://x.example"), "https://"),
    ],
)
def test_wrong_usage_writes_nothing(
    emtiaz, installation, tmp_path, monkeypatch, arguments, complaint
):
    monkeypatch.chdir(tmp_path)
    outcome = emtiaz(*PREPARE, *arguments)
    assert outcome.code == 2
    assert complaint in outcome.err
    assert list(tmp_path.iterdir()) == []
