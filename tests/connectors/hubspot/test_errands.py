"""Tasks and notes, against the stand-in: on the right record, with plain text, once per call."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.core.connector import Errand, Secret, TakesErrands
from chalicelib.core.errors import CredentialsInvalid, CrmStumbled, CrmUnavailable, RecordGone
from connectors._http import Refused
from connectors.hubspot.client import HubSpotClient
from infra.sandbox._serving.faults import Fault
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.portal import AppToken, Settings
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, NOTES, TASKS, Actor
from tests.connectors.hubspot.api_double import CONNECTION, account, contact
from tests.fakes.access import FakeAccess

AT = datetime(2026, 11, 1, 8, tzinfo=UTC)
ERRAND = Errand("Call <Anna>\nnow", "Call <Anna> & ask\n\nطلایی", AT)
CREATE = "POST /crm/objects/{version}/tasks"
USER = Actor.user(77)


@pytest.fixture
def hubspot():
    with StandIn.start() as running:
        running.portal.load(CONTACTS, {"hubspot_owner_id": "78"}, record_id="512")
        running.portal.load(CONTACTS, {}, record_id="513")
        running.portal.load(COMPANIES, {}, record_id="2001")
        yield running


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("connectors._http.sleep", lambda _: None)


def client(hubspot, token=None, version="2026-03"):
    token = token or hubspot.token
    connection = replace(CONNECTION, base_url=hubspot.url, api_version=version)
    return HubSpotClient(connection, Secret("", (), token), (), FakeAccess(token))


def made(hubspot, kind):
    return [
        {name: record.value(name) for name in record.history}
        for record in hubspot.portal.records(kind)
    ]


def test_a_client_takes_errands(hubspot):
    assert isinstance(client(hubspot), TakesErrands)


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_a_task_belongs_to_the_record_and_to_its_owner(hubspot, version):
    client(hubspot, version=version).create_task(contact(512), ERRAND)
    (task,) = made(hubspot, TASKS)
    assert task == {
        "hs_timestamp": "2026-11-01T08:00:00.000Z",
        "hs_task_subject": "Call <Anna> now",
        "hs_task_body": "Call &lt;Anna&gt; &amp; ask<br><br>طلایی",
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "MEDIUM",
        "hs_task_type": "TODO",
        "hubspot_owner_id": "78",
    }
    (record,) = hubspot.portal.records(TASKS)
    assert hubspot.portal.associations.of((TASKS, record.id), CONTACTS) == {"512": frozenset({204})}


def test_a_note_of_somebody_whom_nobody_owns_has_no_owner(hubspot):
    client(hubspot).create_note(contact(513), ERRAND)
    (note,) = made(hubspot, NOTES)
    assert note == {
        "hs_timestamp": "2026-11-01T08:00:00.000Z",
        "hs_note_body": "Call &lt;Anna&gt; &amp; ask<br><br>طلایی",
    }


def test_companies_have_tasks_and_notes_too(hubspot):
    client(hubspot).create_task(account(2001), ERRAND)
    client(hubspot).create_note(account(2001), ERRAND)
    (task,), (note,) = hubspot.portal.records(TASKS), hubspot.portal.records(NOTES)
    links = hubspot.portal.associations
    assert links.of((TASKS, task.id), COMPANIES) == {"2001": frozenset({192})}
    assert links.of((NOTES, note.id), COMPANIES) == {"2001": frozenset({190})}


def test_every_call_makes_another(hubspot):
    for _ in range(2):
        client(hubspot).create_note(contact(512), ERRAND)
    assert len(made(hubspot, NOTES)) == 2


def test_a_record_that_is_gone_gets_nothing(hubspot):
    hubspot.portal.archive(CONTACTS, "512", USER)
    hubspot.portal.merge(
        CONTACTS, "513", [hubspot.portal.load(CONTACTS, {}, record_id="514").id], USER
    )
    for identity in (512, 514, 999):
        with pytest.raises(RecordGone):
            client(hubspot).create_task(contact(identity), ERRAND)
    assert made(hubspot, TASKS) == []


def test_a_busy_crm_is_asked_again_and_makes_one(hubspot):
    hubspot.faults.plan(Fault(1, 429, CREATE))
    client(hubspot).create_task(contact(512), ERRAND)
    assert len(made(hubspot, TASKS)) == 1


@pytest.mark.parametrize("applied", [True, False])
@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_creation_that_broke_off_is_not_sent_again(hubspot, status, applied):
    hubspot.faults.plan(Fault(1, status, CREATE, applied=applied))
    with pytest.raises(CrmUnavailable) as broken:
        client(hubspot).create_task(contact(512), ERRAND)
    assert broken.value.in_doubt or isinstance(broken.value, CrmStumbled)
    assert len(made(hubspot, TASKS)) == applied


def test_a_token_without_the_scope_is_told(hubspot):
    scopes = frozenset({"crm.objects.contacts.read"})
    settings = Settings(tokens={"weak": AppToken(1, scopes)})
    with StandIn.start(settings=settings) as weak:
        weak.portal.load(CONTACTS, {}, record_id="512")
        with pytest.raises(CredentialsInvalid):
            client(weak, "weak").create_note(contact(512), ERRAND)


@pytest.mark.parametrize(
    "associations",
    [
        [{"to": {"id": "512"}, "types": []}],
        [{"to": {"id": "512"}, "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": 202}]}],
        [{"to": {"id": "512"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]}],
        [{"to": {"id": "999"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}]}],
        [{"types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}]}],
    ],
)  # fmt: skip
def test_the_stand_in_makes_no_note_for_what_it_cannot_pin_it_to(hubspot, associations):
    properties = {"hs_timestamp": "2026-11-01T08:00:00.000Z"}
    with pytest.raises(Refused):
        client(hubspot)._api.create("notes", properties, associations)
    assert made(hubspot, NOTES) == []
