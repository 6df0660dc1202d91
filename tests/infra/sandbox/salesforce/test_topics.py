"""Topics of the stand-in: switched on by object, given by right, created and deleted, never edited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from chalicelib.core.outputs import OUTPUTS
from infra.crm.salesforce.project import project_files
from infra.crm.site import Site
from infra.sandbox.salesforce import StandIn
from infra.sandbox.salesforce.deployment import deploy
from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.lineage import merge
from infra.sandbox.salesforce.records import PERSON
from infra.sandbox.salesforce.topics import TopicAccess, assign, names_of
from tests.infra.sandbox.salesforce.conftest import Api, deleted, made, person
from tests.infra.sandbox.salesforce.test_collections import codes


@pytest.fixture
def access(stand_in: StandIn) -> TopicAccess:
    stand_in.org.schema.topics = TopicAccess({"Contact", "Lead"}, assigns=True, creates=True)
    return stand_in.org.schema.topics


@pytest.fixture
def ann(stand_in: StandIn) -> str:
    return person(stand_in)


def create(api: Api, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    records = [
        {"attributes": {"type": "TopicAssignment" if "EntityId" in row else "Topic"}, **row}
        for row in rows
    ]
    body = {"allOrNone": False, "records": records}
    found: list[dict[str, Any]] = api.call("POST", "/composite/sobjects", json=body).json()
    return found


def assigned(api: Api, record: str, name: str = "Emtiaz: tier:gold") -> str:
    topic = create(api, {"Name": name})[0]["id"]
    return str(create(api, {"EntityId": record, "TopicId": topic})[0]["id"])


def remove(api: Api, *ids: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.call(
        "DELETE", "/composite/sobjects", params={"ids": ",".join(ids)}
    ).json()
    return found


@pytest.mark.usefixtures("access")
def test_a_topic_is_assigned_and_removed_and_told_with_its_record(
    stand_in: StandIn, api: Api, ann: str
) -> None:
    assignment = assigned(api, ann)

    (row,) = api.rows(
        "SELECT Id, EntityId, EntityType, EntityKeyPrefix, Topic.Name FROM TopicAssignment "
        f"WHERE EntityId IN ('{ann}') AND Topic.Name LIKE 'Emtiaz: %' LIMIT 1100"
    )

    assert (row["EntityType"], row["EntityKeyPrefix"]) == ("Contact", "003")
    assert row["Topic"]["Name"] == "Emtiaz: tier:gold"
    assert remove(api, assignment)[0]["success"]
    assert names_of(stand_in.org, ann) == []


def test_nothing_is_assigned_where_topics_are_off_or_who_may_not(
    stand_in: StandIn, api: Api, access: TopicAccess, ann: str
) -> None:
    account = made(stand_in, "Account", Name="Acme")
    topic = create(api, {"Name": "VIP"})[0]["id"]

    assert codes(create(api, {"EntityId": account, "TopicId": topic})) == [
        "FIELD_INTEGRITY_EXCEPTION"
    ]
    access.assigns = access.creates = False
    refused = create(api, {"EntityId": ann, "TopicId": topic}, {"Name": "Other"})
    assert codes(refused) == ["INSUFFICIENT_ACCESS_OR_READONLY"] * 2


@pytest.mark.usefixtures("access")
def test_one_name_is_one_topic_and_one_record_has_it_once(api: Api, ann: str) -> None:
    topic = create(api, {"Name": "VIP"})[0]["id"]
    create(api, {"EntityId": ann, "TopicId": topic})

    again = create(api, {"Name": "vip"}, {"EntityId": ann, "TopicId": topic}, {"Name": "x" * 100})

    assert codes(again) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "STRING_TOO_LONG"]


@pytest.mark.usefixtures("access")
def test_an_assignment_is_never_changed_and_no_topic_edited_or_deleted(api: Api, ann: str) -> None:
    assignment = assigned(api, ann)
    (topic,) = [one["Id"] for one in api.rows("SELECT Id FROM Topic")]

    changes = api.update(
        {"type": "TopicAssignment", "id": assignment},
        {"type": "Topic", "id": topic, "Name": "Other"},
    )

    refused = [*changes.json(), *remove(api, topic)]
    assert codes(refused) == ["INSUFFICIENT_ACCESS_OR_READONLY"] * 3


@pytest.mark.usefixtures("access")
@pytest.mark.parametrize(
    ("rest", "is_answered"),
    [
        ("", False),
        ("LIMIT 1101", False),
        ("WHERE EntityId IN ('{0}', '{1}')", False),
        ("WHERE Topic.Name LIKE 'Emtiaz: %'", False),
        ("LIMIT 1100", True),
        ("WHERE EntityId IN ('{0}') LIMIT 1100", True),
        ("WHERE EntityId = '{0}'", True),
        ("WHERE EntityId = '{0}' AND Topic.Name LIKE 'Emtiaz: %'", True),
    ],
)
def test_who_may_not_see_all_data_asks_for_few_assignments(
    stand_in: StandIn, api: Api, ann: str, rest: str, is_answered: bool
) -> None:
    where = rest.format(ann, person(stand_in))
    assert api.query(f"SELECT Id FROM TopicAssignment {where}").ok is is_answered


@pytest.mark.usefixtures("access")
def test_the_resource_that_would_replace_all_topics_is_not_there(api: Api, ann: str) -> None:
    answer = api.call("PUT", f"/connect/records/{ann}/topics", json={"topicNames": []})
    assert answer.status_code == 404


@pytest.mark.usefixtures("access")
def test_topics_go_with_their_record_and_come_back_with_it(
    stand_in: StandIn, api: Api, ann: str
) -> None:
    assigned(api, ann)
    deleted(stand_in, "Contact", ann)
    assert names_of(stand_in.org, ann) == []
    with stand_in.org.transaction(PERSON) as work:
        work.undelete(ann)
    assert names_of(stand_in.org, ann) == ["Emtiaz: tier:gold"]
    survivor = person(stand_in, "Berg")
    with stand_in.org.transaction(PERSON) as work:
        merge(work, "Contact", survivor, [ann])
    assert names_of(stand_in.org, survivor) == []


@pytest.mark.usefixtures("access")
def test_people_add_topics_of_their_own_which_the_page_shows(
    stand_in: StandIn, api: Api, ann: str
) -> None:
    other = person(stand_in)
    for one in (ann, other):
        api.control("POST", f"topics/{one}", {"name": "VIP"})
    assert len(api.rows("SELECT Id FROM Topic")) == 1
    assert "VIP" in requests.get(stand_in.record_url(ann), timeout=5).text


def test_an_object_without_topics_has_no_relationship_to_them(
    api: Api, access: TopicAccess
) -> None:
    def is_related(name: str) -> bool:
        children = api.call("GET", f"/sobjects/{name}/describe").json()["childRelationships"]
        return "TopicAssignment" in [one["childSObject"] for one in children]

    assert (is_related("Contact"), is_related("Account")) == (True, False)
    api.control("PUT", "topics/Contact", {"enabled": False})
    api.control("PUT", "topics/Account", {"enabled": True})
    assert (is_related("Contact"), is_related("Account")) == (False, True)
    assert access.objects == {"Lead", "Account"}


def test_a_project_that_asks_for_topics_switches_them_on_and_gives_the_rights(
    stand_in: StandIn, api: Api, ann: str, tmp_path: Path
) -> None:
    assert not api.call("GET", "/sobjects/TopicAssignment/describe").json()["createable"]
    for file in project_files(tmp_path, Site("https://emtiaz.example", (), outputs=OUTPUTS)):
        file.write()
    deploy(stand_in.org, tmp_path)

    assert stand_in.org.schema.topics == TopicAccess({"Contact", "Lead"}, True, True)
    assert api.call("GET", "/sobjects/TopicAssignment/describe").json()["createable"]
    assigned(api, ann)
    assert names_of(stand_in.org, ann) == ["Emtiaz: tier:gold"]


def test_a_record_has_a_hundred_topics_at_most(
    stand_in: StandIn, access: TopicAccess, ann: str
) -> None:
    assert access.assigns
    with stand_in.org.transaction(PERSON) as work:
        for number in range(100):
            assign(work, ann, f"t{number}")
    with pytest.raises(ApiError), stand_in.org.transaction(PERSON) as work:
        assign(work, ann, "one more")
