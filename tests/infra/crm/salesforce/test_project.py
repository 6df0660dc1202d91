"""The project for Salesforce's ``sf``, held against the WSDL of its Metadata API where that is.

The WSDL is Salesforce's, and no part of this project: SALESFORCE_SPECS says where a copy lies.
"""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from chalicelib.core.connector import Connection
from chalicelib.core.outputs import OUTPUTS
from chalicelib.core.policy import Attribute
from chalicelib.policy import compile_policy
from chalicelib.scoring.publication import provisioned
from connectors.salesforce.owned import field_name, is_ours
from connectors.salesforce.signature import path_token
from infra.crm.project_file import ForeignFile
from infra.crm.salesforce.project import lacking, oauth_scopes, project_files
from infra.crm.site import Site
from tests.infra.crm.salesforce.wsdl import Wsdl

ROOT = Path(__file__).parents[4]
SPECS = Path(os.environ.get("SALESFORCE_SPECS", ROOT.parent / "shared/specs/salesforce"))
WSDL = SPECS / "metadata-wsdl" / "metadata.wsdl"

URL = "https://emtiaz.example/v1/hooks/salesforce-main"
CONNECTION = Connection(
    "salesforce-main", "salesforce", "00DWs000004ExA1MAK", "https://northwind.my.salesforce.com",
    "v66.0", "EUR", "UTC", {"username": "emtiaz@northwind.example"},
)  # fmt: skip
EVERYTHING = (
    Attribute("job_title", "text", "contact", {"salesforce": "Title"}),
    Attribute("industry", "choice", "account", {"salesforce": "Industry"}),
    Attribute("budget", "number", "lead", {"salesforce": "Budget__c"}),
    Attribute("priority", "choice", "ticket", {"salesforce": "Priority"}),
    Attribute("category", "text", "line_item", {"salesforce": "ProductCode"}),
    Attribute(
        "called", "activity", "contact", {"salesforce": "Call.CompletedDateTime"}, "call.held"
    ),
    Attribute("met", "activity", "contact", {"salesforce": "Event.EndDateTime"}, "meeting.held"),
    Attribute(
        "replied",
        "activity",
        "contact",
        {"salesforce": "CampaignMember.FirstRespondedDate"},
        "campaign.replied",
    ),
    Attribute("active", "activity", "contact", {"salesforce": "LastActivityDate"}, "x.crm.active"),
    Attribute("plan", "text", "contact", {"hubspot": "plan"}),
)
SITE = Site(URL, EVERYTHING, (), OUTPUTS, ("contact", "account"), "en", CONNECTION, "a-secret")


def shipped(name, language="en"):
    page = yaml.safe_load((ROOT / f"chalicelib/policy/shipped/{name}.yaml").read_text("utf-8"))
    policy = compile_policy(page | {"language": language})
    return replace(SITE, attributes=policy.attributes, outputs=provisioned(policy, "contact"), kinds=("contact",), language=language)  # fmt: skip


def written(folder, site=SITE):
    files = project_files(folder, site)
    for file in files:
        file.write()
    return {file.path.relative_to(folder).as_posix(): file.text for file in files}


@pytest.fixture
def project(tmp_path):
    return written(tmp_path)


@pytest.fixture(scope="module")
def wsdl():
    if not WSDL.exists():
        pytest.skip(f"no WSDL at {WSDL}: say where it is with SALESFORCE_SPECS")
    return Wsdl(WSDL)


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize(
    "policy", sorted(path.stem for path in (ROOT / "chalicelib/policy/shipped").glob("*.yaml"))
)
def test_every_file_is_what_salesforce_says_of_its_type(wsdl, tmp_path, policy, language):
    for site in (SITE, shipped(policy, language)):
        for name, text in written(tmp_path, site).items():
            if name.endswith("-meta.xml"):
                assert (name, wsdl.faults(text)) == (name, [])


def test_the_members_that_a_type_demands_are_there(wsdl, project):
    for name, text in project.items():
        if name.endswith("-meta.xml"):
            root = ET.fromstring(text)
            type_, given = (one.rpartition("}")[2] for one in (root.tag, root.tag))
            tags = {child.tag.rpartition("}")[2] for child in root}
            assert (name, given, wsdl.required(type_) - tags) == (name, given, set())


@pytest.mark.parametrize(
    "known",
    sorted((SPECS / "known-good-metadata").glob("*-meta.xml")) or [None],
    ids=lambda path: path.name if path else "none",
)
def test_files_that_salesforce_itself_deploys_are_right(wsdl, known):
    if known and not known.name.endswith(".js-meta.xml"):
        assert wsdl.faults(known.read_text("utf-8")) == []


def test_a_wrong_word_and_a_misspelt_member_are_found(wsdl, project):
    name = f"base/main/default/objects/Contact/fields/{field_name('score')}.field-meta.xml"
    assert wsdl.faults(project[name].replace(">Number<", ">Nummer<"))
    assert wsdl.faults(project[name].replace("precision", "precission"))
    assert wsdl.faults(project[name].replace(">false<", ">no<"))


def test_every_output_has_its_field_on_each_object_that_it_is_written_on(project):
    for name, kind in (("Contact", "contact"), ("Lead", "lead"), ("Account", "account")):
        fields = {
            path.rpartition("/")[2].removesuffix(".field-meta.xml")
            for path in project
            if path.startswith(f"base/main/default/objects/{name}/fields/")
        }
        held = [one for one in OUTPUTS if one.name != "topics"]
        assert fields == {field_name(one.name) for one in held if kind in one.kinds}
        assert is_ours(fields)


def test_topics_are_switched_on_where_they_are_written_by_whoever_may(project, tmp_path):
    here = {path for path in project if path.startswith("topics/")}
    assert here == {
        *(
            f"topics/main/default/topicsForObjects/{name}.topicsForObjects-meta.xml"
            for name in ("Contact", "Lead", "Account")
        ),
        "topics/main/default/permissionsets/Emtiaz_Topics.permissionset-meta.xml",
    }
    assert {"path": "topics"} in json.loads(project["sfdx-project.json"])["packageDirectories"]


def test_a_policy_that_asks_for_no_topics_switches_none_on(tmp_path):
    without = replace(SITE, outputs=[one for one in OUTPUTS if one.name != "topics"])
    files = written(tmp_path, without)
    assert not [name for name, text in files.items() if "topic" in (name + text).lower()]


def test_names_and_labels_fit_into_salesforces_fields(tmp_path):
    for language in ("en", "fa"):
        for name, text in written(tmp_path, shipped("customer_club", language)).items():
            if name.endswith(".field-meta.xml"):
                described = {child.tag.rpartition("}")[2]: child.text for child in ET.fromstring(text)}  # fmt: skip
                assert len(described["fullName"]) <= 43
                assert len(described["label"]) <= 40
                assert len(described["inlineHelpText"]) <= 510


def test_a_field_of_ours_is_edited_by_the_integration_user_and_read_by_others(project):
    def permissions(name):
        root = ET.fromstring(project[f"base/main/default/permissionsets/{name}.permissionset-meta.xml"])  # fmt: skip
        space = root.tag.partition("}")[0] + "}"
        return {
            row.findtext(f"{space}field"): row.findtext(f"{space}editable")
            for row in root.iter(f"{space}fieldPermissions")
        }

    fields = {
        path.split("/")[4] + "." + path.rpartition("/")[2].removesuffix(".field-meta.xml")
        for path in project
        if path.endswith(".field-meta.xml")
    }
    assert permissions("Emtiaz_Integration") == dict.fromkeys(fields, "true")
    assert permissions("Emtiaz_Readers") == dict.fromkeys(fields, "false")


def test_orders_are_read_by_a_set_of_their_own_without_which_the_base_is_deployed(project):
    path = "orders/main/default/permissionsets/Emtiaz_Orders.permissionset-meta.xml"
    assert [one for one in project if one.startswith("orders/")] == [path]
    assert re.findall("<object>(.*)</object>", project[path]) == ["Account", "Order", "Product2"]
    assert set(re.findall("<allow(?!Read)[A-Z].*>(.*)</allow", project[path])) == {"false"}
    base = [text for name, text in project.items() if name.startswith("base/")]
    assert not [text for text in base if "<object>Order" in text]


def test_no_page_of_the_organisation_is_replaced(project):
    kinds = {path.split("/")[3] for path in project if path.endswith("-meta.xml")}
    assert kinds == {
        "objects", "permissionsets", "workflows", "flows", "platformEventChannels",
        "platformEventChannelMembers", "topicsForObjects",
    }  # fmt: skip
    assert {path.split("/")[4] for path in project if "/objects/" in path} == {"Contact", "Lead", "Account"}  # fmt: skip
    assert all("/fields/" in path for path in project if "/objects/" in path)


def test_messages_go_to_the_address_of_this_organisation_alone(project):
    address = f"{URL}/{path_token('a-secret', CONNECTION.account_id)}"
    messages = {path: text for path, text in project.items() if "/workflows/" in path}
    assert sorted(path.rpartition("/")[2] for path in messages) == [
        f"{name}.workflow-meta.xml"
        for name in (
            "Account",
            "CampaignMember",
            "Case",
            "Contact",
            "Event",
            "Lead",
            "Opportunity",
            "Task",
        )
    ]
    for text in messages.values():
        assert f"<endpointUrl>{address}</endpointUrl>" in text
        assert "<includeSessionId>false</includeSessionId>" in text
        assert "<integrationUser>emtiaz@northwind.example</integrationUser>" in text


def test_a_message_names_the_person_that_it_is_about(project):
    text = project["intake-outbound/main/default/workflows/Task.workflow-meta.xml"]
    assert re.findall("<fields>(.*)</fields>", text) == ["Id", "WhoId"]


def test_a_flow_rings_for_what_a_score_depends_on_and_never_for_a_score(project):
    text = project["intake-outbound/main/default/flows/Emtiaz_Contact_changed.flow-meta.xml"]
    formula = re.search("<filterFormula>(.*)</filterFormula>", text)[1]
    assert formula == "OR(ISNEW(), ISCHANGED({!$Record.AccountId}), ISCHANGED({!$Record.Title}))"
    assert "<actionName>Contact.Emtiaz</actionName>" in text
    for path, one in project.items():
        if "/flows/" in path:
            assert "Emtiaz_" not in re.search("<filterFormula>(.*)</filterFormula>", one)[1]


def test_a_lead_rings_when_it_is_converted(tmp_path):
    text = written(tmp_path, replace(SITE, attributes=()))["intake-outbound/main/default/flows/Emtiaz_Lead_changed.flow-meta.xml"]  # fmt: skip
    formula = re.search("<filterFormula>(.*)</filterFormula>", text)[1]
    assert formula == "OR(ISNEW(), ISCHANGED({!$Record.IsConverted}), ISCHANGED({!$Record.Status}))"


def test_rights_are_such_as_can_be_granted(tmp_path):
    for attributes in ((), EVERYTHING):
        project = written(tmp_path, replace(SITE, attributes=attributes))
        base = project["base/main/default/permissionsets/Emtiaz_Integration.permissionset-meta.xml"]
        assert re.findall("<name>(.*)</name>", base) == ["ActivitiesAccess", "EditTask"]
    orders = project["orders/main/default/permissionsets/Emtiaz_Orders.permissionset-meta.xml"]
    for text in (base, orders):
        objects = re.findall("<object>(.*)</object>", text)
        shown = dict(zip(objects, re.findall("<viewAllRecords>(.*)</", text), strict=True))
        assert {name for name, all_ in shown.items() if all_ == "false"} == {"Product2"}


def test_tasks_and_events_ring_for_a_field_that_salesforce_computes_of_them(tmp_path):
    (active,) = (one for one in EVERYTHING if one.name == "active")
    project = written(tmp_path, replace(SITE, attributes=(active,)))
    flows = {path.rpartition("/")[2] for path in project if "/flows/" in path}
    assert {f"Emtiaz_{name}_changed.flow-meta.xml" for name in ("Task", "Event")} <= flows
    rights = project["base/main/default/permissionsets/Emtiaz_Integration.permissionset-meta.xml"]
    assert "<name>ActivitiesAccess</name>" in rights


def test_before_the_organisation_is_known_all_but_the_messages_is_written(tmp_path):
    unknown = replace(CONNECTION, account_id="", details={})
    for site in (
        replace(SITE, connection=unknown),
        replace(SITE, connection=None),
        replace(SITE, webhook_secret=""),
        replace(SITE, connection=replace(CONNECTION, details={})),
    ):
        folders = {path.split("/")[0] for path in written(tmp_path, site)}
        assert folders == {
            "sfdx-project.json", ".forceignore", "base", "orders", "topics", "intake-cdc",
        }  # fmt: skip


def test_no_more_changes_are_captured_than_an_organisation_may_capture(project):
    members = [path.rpartition("/")[2] for path in project if "ChannelMembers/" in path]
    assert sorted(members) == [
        f"Emtiaz_{name}ChangeEvent.platformEventChannelMember-meta.xml"
        for name in ("Account", "Case", "Contact", "Lead", "Opportunity")
    ]
    assert not [name for name in members if "__" in name]


def test_writing_it_again_changes_nothing(tmp_path):
    written(tmp_path)
    assert all(file.is_current for file in project_files(tmp_path, SITE))


def test_what_others_keep_in_the_project_stays(tmp_path):
    theirs = {"packageDirectories": [{"path": "force-app", "default": True}], "name": "acme"}
    (tmp_path / "sfdx-project.json").write_text(json.dumps(theirs), "utf-8")
    project = json.loads(written(tmp_path)["sfdx-project.json"])
    assert project["name"] == "acme"
    assert [one["path"] for one in project["packageDirectories"]] == [
        "force-app", "base", "orders", "topics", "intake-outbound", "intake-cdc",
    ]  # fmt: skip
    assert [one["path"] for one in project["packageDirectories"] if one.get("default")] == ["force-app"]  # fmt: skip


def test_a_project_file_that_is_no_json_is_left_alone(tmp_path):
    (tmp_path / "sfdx-project.json").write_text("mine", "utf-8")
    with pytest.raises(ForeignFile):
        project_files(tmp_path, SITE)


@pytest.mark.parametrize(
    ("granted", "missing"), [(["api"], []), (["full"], []), (["id"], ["api"]), ([], ["api"])]
)
def test_a_wider_scope_will_do(granted, missing):
    required, optional = oauth_scopes(EVERYTHING)
    assert lacking(required, granted) == missing
    assert optional == ()
