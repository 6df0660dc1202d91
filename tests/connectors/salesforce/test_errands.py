from datetime import UTC, datetime

import pytest

from chalicelib.core.connector import Errand
from chalicelib.core.errors import CrmStumbled, RateLimited, RecordGone, WriteRefused
from chalicelib.core.model import Ref
from tests.connectors.salesforce.organisation import record

CONTACT, ACCOUNT = "003Ws00000A1b2CIAR", "001Ws00000Qw1ErIAJ"
USER, QUEUE = "005Ws000001dTfVIAU", "00GWs000001dTfVIAU"
ERRAND = Errand("Call\nInes", "She asked for it.", datetime(2026, 10, 31, 21, tzinfo=UTC))


def ref(kind, identity):
    return Ref("salesforce-main", kind, identity)


def test_a_task_is_its_owners_on_the_day_in_the_account_where_it_is_due(client, organisation):
    organisation.put(record("Contact", CONTACT, OwnerId=USER))
    client.create_task(ref("contact", CONTACT), ERRAND)
    task, _ = organisation.written[0]
    assert task == {
        "Subject": "Call Ines",
        "Description": "She asked for it.",
        "ActivityDate": "2026-11-01",  # in Tehran
        "WhoId": CONTACT,
        "OwnerId": USER,
    }


def test_a_task_about_an_account_or_of_a_queue(client, organisation):
    organisation.put(record("Account", ACCOUNT, OwnerId=QUEUE))
    client.create_task(ref("account", ACCOUNT), ERRAND)
    task, _ = organisation.written[0]
    assert task["WhatId"] == ACCOUNT
    assert not {"WhoId", "OwnerId"} & task.keys()


def test_a_note_stands_beside_the_record(client, organisation):
    organisation.put(record("Contact", CONTACT, OwnerId=USER))
    client.create_note(ref("contact", CONTACT), ERRAND)
    note, _ = organisation.written[0]
    assert note == {"ParentId": CONTACT, "Title": "Call Ines", "Body": "She asked for it."}


@pytest.mark.parametrize("create", ["create_task", "create_note"])
def test_nothing_is_made_for_a_record_that_is_gone(client, organisation, create):
    organisation.put(record("Contact", CONTACT, OwnerId=USER, IsDeleted=True))
    with pytest.raises(RecordGone):
        getattr(client, create)(ref("contact", CONTACT), ERRAND)
    assert not organisation.written


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            (400, [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "no"}]),
            WriteRefused,
        ),
        ((404, [{"errorCode": "ENTITY_IS_DELETED", "message": "no"}]), RecordGone),
        # A task changes when the person was last active, and so waits for a lock of theirs.
        ((400, [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "no"}]), RateLimited),
        ((201, {"success": False}), CrmStumbled),
    ],
)
def test_a_refusal_is_sorted_like_a_records(client, organisation, answer, error):
    organisation.put(record("Contact", CONTACT, OwnerId=USER))
    organisation.results = [answer]
    with pytest.raises(error):
        client.create_task(ref("contact", CONTACT), ERRAND)


def test_an_owner_is_given_to_what_lies_in_a_queue_and_to_nothing_else(client, organisation):
    lead, taken, gone = "00QWs00000Kp3QdMAJ", "00QWs00000Kp3QeMAJ", "00QWs00000Kp3QfMAJ"
    organisation.put(record("Lead", lead, OwnerId=QUEUE), record("Lead", taken, OwnerId=USER))
    owners = {ref("lead", one): "005Ws000001dTfWIAU" for one in (lead, taken, gone)}
    found = client.assign(owners)
    assert set(found) == {ref("lead", taken), ref("lead", gone)}
    assert isinstance(found[ref("lead", gone)], RecordGone)
    body, _ = organisation.written[0]
    assert [(one["id"], one["OwnerId"]) for one in body["records"]] == [
        (lead, "005Ws000001dTfWIAU")
    ]


def test_an_owner_whom_there_is_not_makes_no_record_gone(client, organisation):
    lead = "00QWs00000Kp3QdMAJ"
    organisation.put(record("Lead", lead, OwnerId=QUEUE))
    told = {"statusCode": "INVALID_CROSS_REFERENCE_KEY", "message": "no", "fields": ["OwnerId"]}
    organisation.results = [(200, [{"success": False, "errors": [told]}])]
    error = client.assign({ref("lead", lead): USER})[ref("lead", lead)]
    assert isinstance(error, WriteRefused)
    assert not isinstance(error, RecordGone)
