import json
from pathlib import Path

import pytest
from hypothesis import given

from infra.crm.hubspot.project import SOURCE, oauth_scopes, project_files, webhooks_file
from infra.crm.project_file import ForeignFile
from infra.crm.site import Site
from tests.infra.crm.hubspot.policies import STARTER, URL, attribute, attributes

CALLBACK = "https://emtiaz.example/oauth"

READ_SCOPES = {
    "contact": "crm.objects.contacts.read",
    "company": "crm.objects.companies.read",
    "deal": "crm.objects.deals.read",
    "line_item": "crm.objects.line_items.read",
    "ticket": "tickets",
    "feedback_submission": "crm.objects.feedback_submissions.read",
}
"""What HubSpot's API description demands for reading each kind of object."""


def write(folder, wanted=STARTER, redirect_urls=()):
    files = project_files(folder, Site(URL, wanted, redirect_urls))
    for file in files:
        file.write()
    return files


def read(folder, *parts):
    return json.loads(folder.joinpath(*parts).read_text("utf-8"))


def app(folder):
    return read(folder, "src", "app", "app-hsmeta.json")


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def test_a_project_is_a_settings_file_an_app_and_its_webhooks(tmp_path):
    write(tmp_path)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json"))
    assert found == [
        "hsproject.json",
        "src/app/app-hsmeta.json",
        "src/app/webhooks/emtiaz-hsmeta.json",
    ]
    assert read(tmp_path, "hsproject.json") == {
        "name": "emtiaz",
        "srcDir": "src",
        "platformVersion": "2026.03",
    }


def test_the_app_is_private_with_a_static_token_and_the_least_it_needs(tmp_path):
    write(tmp_path)
    assert app(tmp_path)["type"] == "app"
    config = app(tmp_path)["config"]
    assert config.keys() == {"name", "description", "distribution", "auth", "permittedUrls"}
    assert config["distribution"] == "private"
    assert config["permittedUrls"] == {"fetch": [], "iframe": [], "img": []}
    assert config["auth"]["type"] == "static"
    assert sorted(config["auth"]["requiredScopes"]) == [
        "crm.objects.companies.read",
        "crm.objects.contacts.read",
        "crm.objects.contacts.write",
        "crm.objects.deals.read",
        "crm.schemas.contacts.read",
        "crm.schemas.contacts.write",
        "oauth",
    ]


def test_the_folder_in_the_repository_is_the_project_of_the_shipped_policy(tmp_path):
    write(tmp_path)
    for name in ("hsproject.json", "src/app/app-hsmeta.json"):
        assert (SOURCE / name).read_text("utf-8") == (tmp_path / name).read_text("utf-8")
    assert not (SOURCE / "src" / "app" / "webhooks").exists()


def test_component_files_are_named_as_hubspot_wants_and_no_uid_stands_twice(tmp_path):
    write(tmp_path)
    files = list((tmp_path / "src").rglob("*.json"))
    assert all(path.name.endswith("-hsmeta.json") for path in files)
    uids = [json.loads(path.read_text("utf-8"))["uid"] for path in files]
    assert len(set(uids)) == len(uids) == 2


@given(attributes)
@pytest.mark.parametrize("redirect_urls", [(), (CALLBACK,)])
def test_the_scopes_cover_all_that_is_subscribed_to(redirect_urls, wanted):
    _, app_file, webhooks = project_files(Path("nowhere"), Site(URL, wanted, redirect_urls))
    auth = json.loads(app_file.text)["config"]["auth"]
    rows = json.loads(webhooks.text)["config"]["subscriptions"].values()
    objects = {
        row.get("objectType") or row["subscriptionType"].split(".")[0]
        for family in rows
        for row in family
    }
    granted = {*auth["requiredScopes"], *auth["optionalScopes"]}
    assert {READ_SCOPES[one] for one in objects} <= granted


@given(attributes)
def test_a_static_app_has_required_scopes_alone(wanted):
    _, app_file, _ = project_files(Path("nowhere"), Site(URL, wanted))
    auth = json.loads(app_file.text)["config"]["auth"]
    assert auth.keys() == {
        "type", "requiredScopes", "optionalScopes", "conditionallyRequiredScopes"
    }  # fmt: skip
    assert auth["optionalScopes"] == auth["conditionallyRequiredScopes"] == []


def test_with_a_redirect_url_the_app_uses_oauth_and_what_a_tier_lacks_is_optional(tmp_path):
    policy = [attribute("ticket", "subject"), attribute("survey", "hs_content")]
    write(tmp_path, policy, (CALLBACK,))
    auth = app(tmp_path)["config"]["auth"]
    assert auth["type"] == "oauth"
    assert auth["redirectUrls"] == [CALLBACK]
    assert "tickets" in auth["requiredScopes"]
    assert sorted(auth["optionalScopes"]) == [
        "crm.objects.feedback_submissions.read",
        "settings.currencies.read",
    ]
    assert not set(auth["requiredScopes"]) & set(auth["optionalScopes"])


def test_an_app_that_uses_oauth_goes_on_doing_so(tmp_path):
    write(tmp_path, STARTER, (CALLBACK,))
    write(tmp_path, STARTER, ("http://localhost:8000/",))
    write(tmp_path)
    auth = app(tmp_path)["config"]["auth"]
    assert auth["type"] == "oauth"
    assert auth["redirectUrls"] == [CALLBACK, "http://localhost:8000/"]


@pytest.mark.parametrize("redirect_urls", [(), (CALLBACK,)])
def test_writing_it_again_changes_nothing(tmp_path, redirect_urls):
    write(tmp_path, STARTER, redirect_urls)
    assert all(
        file.is_current for file in project_files(tmp_path, Site(URL, STARTER, redirect_urls))
    )


def test_what_the_admin_changed_in_our_files_stays(tmp_path):
    write(tmp_path)
    edit(tmp_path / "hsproject.json", name="acme-scoring", platformVersion="2026.09")
    before = app(tmp_path)
    before["config"] |= {"name": "Acme scoring", "support": {"supportEmail": "it@example.com"}}
    before["config"]["auth"]["requiredScopes"].append("crm.lists.read")
    (tmp_path / "src" / "app" / "app-hsmeta.json").write_text(json.dumps(before), "utf-8")
    write(tmp_path, [*STARTER, attribute("ticket", "subject")])
    config = app(tmp_path)["config"]
    assert (config["name"], config["support"]["supportEmail"]) == (
        "Acme scoring",
        "it@example.com",
    )
    assert {"crm.lists.read", "tickets"} <= set(config["auth"]["requiredScopes"])
    assert read(tmp_path, "hsproject.json")["name"] == "acme-scoring"


def test_a_scope_goes_with_the_policy_that_needed_it(tmp_path):
    write(tmp_path, [*STARTER, attribute("line_item", "hs_margin")])
    assert "crm.objects.line_items.read" in app(tmp_path)["config"]["auth"]["requiredScopes"]
    write(tmp_path)
    assert "crm.objects.line_items.read" not in app(tmp_path)["config"]["auth"]["requiredScopes"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("hsproject.json", "not JSON"),
        ("hsproject.json", '{"name": "theirs", "srcDir": "source"}'),
        ("src/app/app-hsmeta.json", '{"uid": "theirs", "type": "app", "config": {}}'),
        ("src/app/app-hsmeta.json", '{"uid": "emtiaz", "type": "app"}'),
        ("src/app/app-hsmeta.json", "[]"),
        ("src/app/their-hsmeta.json", '{"uid": "theirs", "type": "app", "config": {}}'),
        ("src/app/webhooks/emtiaz-hsmeta.json", '{"uid": "theirs", "type": "webhooks"}'),
        ("src/app/webhooks/their-hsmeta.json", '{"uid": "theirs", "type": "webhooks"}'),
        ("src/app/cards/their-hsmeta.json", '{"uid": "emtiaz", "type": "card"}'),
        ("src/app/cards/their-hsmeta.json", "not JSON"),
    ],
)
def test_somebody_else_s_project_is_left_alone(tmp_path, path, content):
    target = tmp_path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content, "utf-8")
    with pytest.raises(ForeignFile, match=target.name):
        write(tmp_path)
    assert [one.read_text("utf-8") for one in tmp_path.rglob("*.json")] == [content]


def test_other_components_may_stand_beside_ours(tmp_path):
    card = tmp_path / "src" / "app" / "cards" / "score-hsmeta.json"
    card.parent.mkdir(parents=True)
    card.write_text('{"uid": "score_card", "type": "card"}', "utf-8")
    write(tmp_path)
    assert card.read_text("utf-8") == '{"uid": "score_card", "type": "card"}'


def test_the_webhooks_can_be_written_alone_and_again(tmp_path):
    target = tmp_path / "webhooks" / "any-hsmeta.json"
    webhooks_file(target, Site(URL, STARTER)).write()
    assert webhooks_file(target, Site(URL, STARTER)).is_current
    fewer = [one for one in STARTER if one.name != "job_title"]
    webhooks_file(target, Site(URL, fewer)).write()
    (job_title,) = [
        row
        for row in json.loads(target.read_text("utf-8"))["config"]["subscriptions"]["crmObjects"]
        if row.get("propertyName") == "jobtitle"
    ]
    assert job_title["active"] is False
    target.write_text('{"uid": "theirs"}', "utf-8")
    with pytest.raises(ForeignFile):
        webhooks_file(target, Site(URL, STARTER))


def test_an_account_is_asked_for_exactly_what_the_app_of_that_folder_declares(tmp_path):
    write(tmp_path, STARTER, (CALLBACK,))
    assert oauth_scopes(STARTER) == oauth_scopes(STARTER, tmp_path)
    own = app(tmp_path)
    own["config"]["auth"]["requiredScopes"].append("crm.lists.read")
    (tmp_path / "src" / "app" / "app-hsmeta.json").write_text(json.dumps(own))
    required, optional = oauth_scopes(STARTER, tmp_path)
    assert list(required) == own["config"]["auth"]["requiredScopes"]
    assert list(optional) == own["config"]["auth"]["optionalScopes"]
