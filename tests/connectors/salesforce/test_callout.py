import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chalicelib.core.connector import Request
from chalicelib.core.errors import PayloadInvalid
from connectors.salesforce import CONNECTOR, callout
from connectors.salesforce.callout_shape import fault
from connectors.salesforce.signature import FLOW

PUBLISHED = Draft202012Validator(
    json.loads(Path(callout.__file__).with_name("payload.schema.json").read_text("utf-8"))
)
DEAL = {"object": "Opportunity", "id": "006Ws00000BxYzT", "operation": "UPDATE"}


def told(*events, **members):
    return {"schema": "emtiaz.salesforce.v1", "orgId": "00DWs000004ExA1MAK", "events": [*events], **members}  # fmt: skip


def check(body):
    CONNECTOR.check_shape(Request("POST", "", {}, json.dumps(body).encode(), FLOW))


def test_a_bad_event_is_refused_with_its_place_before_the_others_are_kept_with_it():
    with pytest.raises(PayloadInvalid, match=r"events\[1\]\.id: not an id of 15 or 18 characters"):
        check(told(DEAL, {**DEAL, "id": "Acme Ltd"}, DEAL))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (told(*[DEAL] * 201), "events: not a list of 1-200"),
        (told(), "events: not a list of 1-200"),
        (told({**DEAL, "operation": "Update"}), "events[0].operation: not an operation in capitals"),
        (told({**DEAL, "object": None}), "events[0].object: not the API name"),
        (told({**DEAL, "changedFields": "Amount"}), "events[0].changedFields: not a list of texts"),
        (told({**DEAL, "fields": []}), "events[0].fields: not an object"),
        (told("006Ws00000BxYzT"), "events[0]: not an object"),
        (told(DEAL, orgId=None), "orgId: not an id"),
        (told(DEAL, requestId="x" * 101), "requestId: not a text of at most 100 characters"),
        ({**told(DEAL), "schema": "v2"}, "not an object with the schema emtiaz.salesforce.v1"),
    ],
)  # fmt: skip
def test_a_sender_is_told_what_is_wrong_and_not_what_it_sent(body, reason):
    with pytest.raises(PayloadInvalid) as refused:
        check(body)
    assert str(refused.value).startswith(reason)
    assert "006Ws" not in str(refused.value)


def test_two_hundred_events_are_taken():
    check(told(*[DEAL] * 200, requestId=None))


ODD = st.sampled_from([None, True, 7, "", "x", "é" * 15, "A" * 16, "006Ws00000BxYzT\n", [], [1], {}, {"a": None}])  # fmt: skip
IDS = st.from_regex(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", fullmatch=True)


def members(required, optional):
    """Of which any may be odd, and any may be missing."""
    values = {name: value | ODD for name, value in {**required, **optional}.items()}
    return st.fixed_dictionaries(required) | st.fixed_dictionaries({}, optional=values)


EVENTS = members(
    {
        "object": st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,79}", fullmatch=True),
        "id": IDS,
        "operation": st.sampled_from(["CREATE", "UPDATE", "_", "A" * 40, "A" * 41]),
    },
    {
        "changedFields": st.lists(st.text(max_size=5), max_size=2) | st.none(),
        "fields": st.dictionaries(st.text(max_size=3), ODD, max_size=2) | st.none(),
        "more": st.integers(),
    },
)
BODIES = members(
    {
        "schema": st.just("emtiaz.salesforce.v1"),
        "orgId": IDS,
        "events": st.lists(EVENTS | ODD, max_size=3),
    },
    {"requestId": st.text(max_size=101) | st.just("k" * 100) | st.just("k" * 101)},
)


@given(body=BODIES | ODD)
@example(body=told(*[DEAL] * 200))
@example(body=told(*[DEAL] * 201))
@example(body=told({**DEAL, "object": "A" * 80}))
@example(body=told({**DEAL, "object": "A" * 81}))
def test_what_is_refused_is_what_the_published_schema_refuses(body):
    assert (fault(body) == "") == PUBLISHED.is_valid(body)
