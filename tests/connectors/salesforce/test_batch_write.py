import pytest
import responses

from chalicelib.core.connector import Update
from chalicelib.core.errors import (
    CrmStumbled,
    CrmUnavailable,
    OutOfService,
    RateLimited,
    RecordBusy,
    RecordGone,
    WriteRefused,
    WrittenInPart,
)
from chalicelib.core.model import Ref
from connectors.salesforce.batch_write import APPROVED_IN_S, LOCKED_FOR_S, LOCKED_S, SOON_S
from connectors.salesforce.gaps import LOOKED_AT_FOR
from tests.connectors.salesforce.organisation import record
from tests.fakes.access import FakeAccess
from tests.fakes.clock import FakeClock

ONE, TWO = "003Ws00000A1b2CIAR", "003Ws00000A1b2DIAR"


def ref(identity):
    return Ref("salesforce-main", "contact", identity)


def written(identity):
    return {"id": identity, "success": True, "errors": []}


def refused(code, message="so it is", *fields):
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}  # fmt: skip


@pytest.fixture
def write(client):
    return lambda *ids: client.write([Update(ref(one), {"score": 7}) for one in ids])


def test_results_belong_to_records_by_their_place(write, organisation):
    """One that was refused has no id in the answer."""
    organisation.results = [(200, [refused("FIELD_CUSTOM_VALIDATION_EXCEPTION", "That is needed", "Phone"), written(TWO)])]  # fmt: skip
    found = write(ONE, TWO)
    assert list(found) == [ref(ONE)]
    assert "That is needed" in str(found[ref(ONE)])
    assert "[Phone]" in str(found[ref(ONE)])


@pytest.mark.parametrize(
    "code",
    ["ENTITY_IS_DELETED", "CANNOT_UPDATE_CONVERTED_LEAD", "INVALID_CROSS_REFERENCE_KEY"],
)
def test_what_is_not_there_any_more_is_read_again(write, organisation, code):
    organisation.results = [(200, [refused(code)])]
    assert isinstance(write(ONE)[ref(ONE)], RecordGone)


@pytest.mark.parametrize(
    "code",
    ["FIELD_CUSTOM_VALIDATION_EXCEPTION", "DUPLICATES_DETECTED",
     "REQUIRED_FIELD_MISSING", "CANNOT_EXECUTE_FLOW_TRIGGER", "STRING_TOO_LONG",
     "A_CODE_OF_THE_NEXT_RELEASE"],
)  # fmt: skip
def test_what_will_not_pass_by_itself_is_refused(write, organisation, waits, code):
    organisation.results = [(200, [refused(code), written(TWO)])]
    error = write(ONE, TWO)[ref(ONE)]
    assert isinstance(error, WriteRefused)
    assert not isinstance(error, RecordGone)
    assert waits == []


@pytest.mark.parametrize(
    "code", ["INVALID_FIELD_FOR_INSERT_UPDATE", "INSUFFICIENT_ACCESS_OR_READONLY"]
)
def test_a_record_that_is_not_ours_to_edit_says_so(write, organisation, code):
    organisation.extra["Contact"] = {SCORE: {"updateable": True}}
    organisation.results = [(200, [refused(code), written(TWO)])] * 2
    for _ in range(2):
        found = write(ONE, TWO)
        assert list(found) == [ref(ONE)]
        assert "permission set" in str(found[ref(ONE)])
    assert len(organisation.written) == 2
    assert len(organisation.calls) == 1, "the fields are looked at once"


def test_a_request_that_is_refused_as_a_whole_refuses_each_record(write, organisation):
    body = [{"errorCode": "JSON_PARSER_ERROR", "message": "Unexpected character"}]
    organisation.results = [(400, body)]
    found = write(ONE, TWO)
    assert set(found) == {ref(ONE), ref(TWO)}
    assert all("Unexpected" in str(error) for error in found.values())
    assert len(organisation.written) == 1


SCORE, TAGS = "Emtiaz_Score__c", "Emtiaz_Tags__c"
NO_COLUMN = [{"errorCode": "INVALID_FIELD", "message": f"No such column '{TAGS}'"}]
GAPS = [
    ({SCORE: {"updateable": True}}, (400, NO_COLUMN)),
    ({SCORE: {"updateable": True}}, (200, [refused("INVALID_FIELD")] * 2)),
    (
        {SCORE: {"updateable": True}, TAGS: {"updateable": False}},
        (200, [refused("INVALID_FIELD_FOR_INSERT_UPDATE")] * 2),
    ),
]
IN_PART = {"tags": f"Contact.{TAGS}"}


def tagged(*ids):
    return [Update(ref(one), {"score": 7, "tags": ("class:A",)}) for one in ids]


def sent(organisation):
    """The fields of ours in each request that wrote."""
    return [
        sorted({field for one in body["records"] for field in one if field.startswith("Emtiaz_")})
        for body, _ in organisation.written
    ]


@pytest.mark.parametrize(("fields", "answer"), GAPS)
def test_a_field_that_is_lacking_is_left_out_and_the_others_are_written(
    client, organisation, fields, answer
):
    organisation.extra["Contact"] = fields
    organisation.results = [answer]
    for _ in range(2):
        found = client.write(tagged(ONE, TWO))
        assert {one: error.left_out for one, error in found.items()} == {
            ref(ONE): IN_PART,
            ref(TWO): IN_PART,
        }
        assert all(isinstance(error, WrittenInPart) for error in found.values())
    assert sent(organisation) == [[SCORE, TAGS], [SCORE], [SCORE]]
    assert len(organisation.calls) == 1


def test_a_field_that_was_lacking_is_tried_again_by_and_by(client_of, organisation, monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(FakeAccess, "now", lambda _: clock.now())
    client = client_of()
    organisation.extra["Contact"] = {SCORE: {"updateable": True}}
    organisation.results = [(400, NO_COLUMN)]
    client.write(tagged(ONE))
    organisation.extra["Contact"][TAGS] = {"updateable": True}
    clock.advance(seconds=LOOKED_AT_FOR.total_seconds())
    assert client.write(tagged(ONE)) == {}
    assert sent(organisation) == [[SCORE, TAGS], [SCORE], [SCORE, TAGS]]


def test_of_whom_nothing_is_left_to_write_nothing_is_sent(client, organisation):
    organisation.extra["Contact"] = {SCORE: {"updateable": True}}
    organisation.results = [(400, NO_COLUMN)]
    updates = [Update(ref(ONE), {"tags": ("class:A",)}), Update(ref(TWO), {"score": 7})]
    assert {one: error.left_out for one, error in client.write(updates).items()} == {
        ref(ONE): IN_PART
    }
    assert [len(body["records"]) for body, _ in organisation.written] == [2, 1]


def test_who_is_refused_for_something_else_beside_a_lacking_field_is_refused(client, organisation):
    organisation.extra["Contact"] = {SCORE: {"updateable": True}}
    organisation.results = [
        (400, NO_COLUMN),
        (200, [refused("FIELD_CUSTOM_VALIDATION_EXCEPTION"), written(TWO)]),
    ]
    found = client.write(tagged(ONE, TWO))
    assert isinstance(found[ref(ONE)], WriteRefused)
    assert isinstance(found[ref(TWO)], WrittenInPart)


def test_where_the_whole_object_is_hidden_each_record_is_refused(client, organisation):
    organisation.hidden = {"Contact"}
    organisation.results = [(400, NO_COLUMN)]
    assert isinstance(client.write(tagged(ONE))[ref(ONE)], WriteRefused)


@pytest.mark.parametrize(
    "problem",
    [
        refused("UNABLE_TO_LOCK_ROW"),
        refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "ContactTrigger: caused by: System.DmlException: UNABLE_TO_LOCK_ROW"),
    ],
)  # fmt: skip
def test_locked_records_alone_are_sent_again_after_a_while(write, organisation, waits, problem):
    organisation.results = [(200, [problem, written(TWO)]), (200, [written(ONE)])]
    assert write(ONE, TWO) == {}
    again, _ = organisation.written[1]
    assert [one["id"] for one in again["records"]] == [ONE]
    assert len(waits) == 1
    assert LOCKED_S[0] <= waits[0] <= LOCKED_S[0] + 1


STUCK = [
    refused("UNABLE_TO_LOCK_ROW"),
    refused("CANNOT_EXECUTE_FLOW_TRIGGER", "The “Sync” process failed. QUERY_TIMEOUT: Your query request was running for too long."),
]  # fmt: skip


@pytest.mark.parametrize("problem", STUCK)
def test_a_record_that_stays_stuck_is_told_of_and_keeps_no_other_from_being_written(
    write, organisation, problem
):
    again = [(200, [problem])] * len(LOCKED_S)
    organisation.results = [(200, [problem, written(TWO)]), *again]
    found = write(ONE, TWO)
    assert list(found) == [ref(ONE)]
    assert isinstance(found[ref(ONE)], RecordBusy)
    assert found[ref(ONE)].retry_after == LOCKED_FOR_S
    assert problem["errors"][0]["message"] in str(found[ref(ONE)])


def test_a_record_that_awaits_an_approval_is_tried_again_by_and_by(write, organisation, waits):
    organisation.results = [(200, [refused("ENTITY_IS_LOCKED"), written(TWO)])]
    found = write(ONE, TWO)
    assert list(found) == [ref(ONE)]
    assert isinstance(found[ref(ONE)], RecordBusy)
    assert found[ref(ONE)].retry_after == APPROVED_IN_S
    assert waits == []


@pytest.fixture
def first_request_takes_long(monkeypatch):
    times = iter([0.0, 0.0, SOON_S + 1])
    monkeypatch.setattr("connectors.salesforce.batch_write.monotonic", lambda: next(times))


@pytest.mark.usefixtures("first_request_takes_long")
def test_a_slow_organisation_is_not_asked_again_while_the_worker_runs_out_of_time(
    write, organisation
):
    """Salesforce itself waits for locks, ten seconds for each, and a worker has four minutes."""
    organisation.results = [(200, [refused("UNABLE_TO_LOCK_ROW")])]
    assert isinstance(write(ONE)[ref(ONE)], RecordBusy)
    assert len(organisation.written) == 1


@pytest.mark.usefixtures("first_request_takes_long")
def test_no_request_of_a_write_is_begun_once_the_ones_before_have_taken_long(client, organisation):
    """A contact and a lead take a request each."""
    lead = Ref("salesforce-main", "lead", "00QWs00000A1b2CMAR")
    found = client.write([Update(ref(ONE), {"score": 7}), Update(lead, {"score": 8})])
    assert list(found) == [lead]
    assert isinstance(found[lead], RecordBusy)
    assert len(organisation.written) == 1


@pytest.mark.usefixtures("first_request_takes_long")
def test_what_a_record_lacks_is_not_looked_for_once_a_write_has_taken_long(write, organisation):
    organisation.results = [(200, [refused("INVALID_FIELD")])]
    assert isinstance(write(ONE)[ref(ONE)], RecordBusy)
    assert organisation.calls == []


def test_a_record_that_is_refused_while_another_is_locked_stays_refused(write, organisation):
    organisation.results = [
        (200, [refused("ENTITY_IS_DELETED"), refused("UNABLE_TO_LOCK_ROW")]),
        (200, [written(TWO)]),
    ]
    assert list(write(ONE, TWO)) == [ref(ONE)]


def test_a_limit_within_the_answer_has_all_written_again(write, organisation):
    organisation.results = [(200, [written(ONE), refused("REQUEST_LIMIT_EXCEEDED")])]
    with pytest.raises(RateLimited):
        write(ONE, TWO)


def test_calls_that_are_spent_close_the_organisation_for_a_while(write, organisation):
    spent = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    organisation.results = [(403, spent)]
    for _ in range(2):
        with pytest.raises(OutOfService):
            write(ONE)
    assert len(organisation.written) == 1


def test_too_many_long_calls_at_a_time_are_waited_for(write, organisation, waits):
    crowded = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded."}]  # fmt: skip
    organisation.results = [(403, crowded), (200, [written(ONE)])]
    assert write(ONE) == {}
    assert len(waits) == 1
    assert waits[0] >= 3


@pytest.mark.parametrize("answer", [[], [written(ONE), written(TWO)], {"done": True}])
def test_an_answer_that_does_not_fit_leaves_all_in_doubt(write, organisation, answer):
    organisation.results = [(200, answer)]
    with pytest.raises(CrmStumbled) as caught:
        write(ONE)
    assert caught.value.in_doubt


def test_a_person_account_is_written_by_its_account(write, organisation):
    account = "001Ws00000Qw1ErIAJ"
    organisation.put(record("Contact", ONE, AccountId=account))
    organisation.results = [(200, [refused("INVALID_PERSON_ACCOUNT_OPERATION"), written(TWO)])]
    assert write(ONE, TWO) == {}
    (body, _) = organisation.written[1]
    assert body["records"] == [
        {"attributes": {"type": "Account"}, "id": account, "Emtiaz_Score__pc": 7}
    ]


def test_what_the_account_of_a_person_refuses_is_told_of_the_person(write, organisation):
    organisation.put(record("Contact", ONE, AccountId="001Ws00000Qw1ErIAJ"))
    one = refused("INVALID_PERSON_ACCOUNT_OPERATION")
    organisation.results = [(200, [one, one]), (200, [refused("ENTITY_IS_DELETED")])]
    found = write(ONE, TWO)
    assert isinstance(found[ref(ONE)], RecordGone)
    assert "PERSON_ACCOUNT" in str(found[ref(TWO)]), "whose account is not to be seen"


def test_a_record_that_was_refused_without_a_reason_is_refused(write, organisation):
    organisation.results = [(200, [{"success": False, "errors": []}])]
    assert "did not say why" in str(write(ONE)[ref(ONE)])


def test_a_lost_answer_is_in_doubt(write, double, connection, organisation):
    path = f"{connection.base_url}/services/data/v66.0/composite/sobjects"
    double.replace("PATCH", path, body=responses.ConnectionError("cut off"))
    with pytest.raises(CrmUnavailable) as caught:
        write(ONE)
    assert caught.value.in_doubt
