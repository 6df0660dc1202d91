import json

import pytest

from chalicelib.core.connector import EventType, Request
from chalicelib.core.errors import DeliveryUnreadable, PayloadInvalid
from connectors.hubspot.webhook import check_shape, parse
from tests.connectors import cases

CONNECTION = cases.connection_of("hubspot")


def nested(depth):
    """A delivery that is ``depth`` levels deep in all."""
    value = 1
    for _ in range(depth - 2):
        value = [value]
    return json.dumps([{"deep": value}]).encode()


def test_thirty_two_levels_are_deep_enough():
    check_shape(nested(32))
    with pytest.raises(PayloadInvalid, match="32 levels"):
        check_shape(nested(33))


@pytest.mark.parametrize("number", [1, 100])
def test_a_delivery_has_one_to_a_hundred_events(number):
    check_shape(json.dumps([{}] * number).encode())


@pytest.mark.parametrize(
    "body",
    [b"[]", json.dumps([{}] * 101).encode(), b"{}", b"[1]", b"[{}, null]", b'[{"a": Infinity}]',
     b'[{"a": "\xe9"}]', b"[{}] trailing", b'[{"a": ' + b"9" * 5000 + b"}]"],
)  # fmt: skip
def test_another_shape_is_refused(body):
    with pytest.raises(PayloadInvalid):
        check_shape(body)


def line(**changes):
    return {
        "portalId": 62515,
        "occurredAt": 1790000000000,
        "subscriptionType": "contact.creation",
        "objectId": 512,
    } | changes


def parse_lines(*lines):
    return parse(Request("POST", "", {}, json.dumps(lines).encode()), CONNECTION)


@pytest.mark.parametrize(
    "changes",
    [{"portalId": "62515"}, {"portalId": None}, {"occurredAt": -1}, {"occurredAt": 10**15},
     {"occurredAt": "2026-09-21"}, {"objectId": "512"}, {"objectId": True}, {"objectId": 1e300},
     {"subscriptionType": 7}, {"subscriptionType": "a\nb"}, {"subscriptionType": "x" * 101},
     {"subscriptionType": ""}, {"mergedObjectIds": [None]}, {"propertyName": 5}],
)  # fmt: skip
def test_a_line_that_lacks_what_we_rely_on_makes_the_delivery_unreadable(changes):
    with pytest.raises(DeliveryUnreadable):
        parse_lines(line(), line(**changes))


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[" * 5000, b"[[]]"])
def test_a_body_that_never_passed_the_edge_is_unreadable(body):
    with pytest.raises(DeliveryUnreadable):
        parse(Request("POST", "", {}, body), CONNECTION)


@pytest.mark.parametrize("missing", ["portalId", "occurredAt", "subscriptionType"])
def test_a_line_needs_a_portal_a_time_and_a_type(missing):
    short = line()
    del short[missing]
    with pytest.raises(DeliveryUnreadable):
        parse_lines(short)


def test_no_message_of_an_unreadable_delivery_repeats_its_contents():
    with pytest.raises(DeliveryUnreadable) as caught:
        parse_lines(line(propertyName=["someone@example.com"]))
    assert "someone" not in str(caught.value)
    assert str(caught.value) == "$[0].propertyName: type fails"


def test_a_known_type_without_the_record_it_is_about_is_counted_as_unknown():
    [event] = parse_lines({key: value for key, value in line().items() if key != "objectId"})
    assert (event.type, event.ref) == (EventType.UNKNOWN, None)


def rung(events):
    return [str(event.ref).removeprefix("hubspot-main:") for event in events]


@pytest.mark.parametrize(
    ("association", "ends"),
    [
        ("DEAL_TO_CONTACT", ["contact:2"]),
        ("CONTACT_TO_DEAL", ["contact:1"]),
        ("CONTACT_TO_CONTACT", ["contact:1", "contact:2"]),
        ("TICKET_TO_CONTACT", ["contact:2"]),
        ("COMPANY_TO_TICKET", ["account:1", "ticket:2"]),
        ("DEAL_TO_LINE_ITEM", ["deal:1", "line_item:2"]),
        ("LINE_ITEM_TO_DEAL", ["line_item:1", "deal:2"]),
        ("DEAL_TO_QUOTE", ["deal:1"]),
    ],
)
@pytest.mark.parametrize("removed", [False, True])
def test_a_changed_association_rings_the_contact_or_both_ends(association, ends, removed):
    changed = line(
        subscriptionType="contact.associationChange",
        associationType=association,
        fromObjectId=1,
        toObjectId=2,
        associationRemoved=removed,
    )
    events = parse_lines(changed)
    assert rung(events) == ends
    assert {event.type for event in events} == {EventType.ASSOCIATED}


@pytest.mark.parametrize("name", ["quote.associationChange", "object.associationChange"])
def test_an_association_of_two_unknown_kinds_is_counted(name):
    changed = line(subscriptionType=name, associationType="QUOTE_TO_CART", fromObjectId=1)
    [event] = parse_lines(changed)
    assert (event.type, event.ref, event.name) == (EventType.UNKNOWN, None, name)


CLASSIC = {"contact": "contact", "company": "account", "deal": "deal", "ticket": "ticket",
           "line_item": "line_item"}  # fmt: skip
TYPE_IDS = {"0-1": "contact", "0-2": "account", "0-3": "deal", "0-5": "ticket", "0-8": "line_item",
            "0-19": "survey", "0-136": "lead"}  # fmt: skip
MEANINGS = {"creation": "created", "deletion": "deleted", "restore": "restored",
            "propertyChange": "changed", "privacyDeletion": "erased"}  # fmt: skip


@pytest.mark.parametrize(("word", "kind"), CLASSIC.items())
@pytest.mark.parametrize(("what", "meaning"), MEANINGS.items())
def test_a_classic_event_names_its_kind(word, kind, what, meaning):
    [event] = parse_lines(line(subscriptionType=f"{word}.{what}"))
    assert (event.type, rung([event])) == (meaning, [f"{kind}:512"])


@pytest.mark.parametrize(("type_id", "kind"), TYPE_IDS.items())
@pytest.mark.parametrize(("what", "meaning"), MEANINGS.items())
def test_a_generic_event_names_its_kind_by_a_number(type_id, kind, what, meaning):
    [event] = parse_lines(line(subscriptionType=f"object.{what}", objectTypeId=type_id))
    assert (event.type, rung([event])) == (meaning, [f"{kind}:512"])


@pytest.mark.parametrize(
    "changes",
    [{"subscriptionType": "product.creation"}, {"subscriptionType": "product.merge"},
     {"subscriptionType": "conversation.privacyDeletion"}, {"subscriptionType": "contact"},
     {"subscriptionType": "contact.sneeze"}, {"subscriptionType": "event.completed"},
     {"subscriptionType": "object.creation"},
     {"subscriptionType": "object.creation", "objectTypeId": "0-7"}],
)  # fmt: skip
def test_any_other_event_is_counted_by_its_name(changes):
    [event] = parse_lines(line(**changes))
    assert (event.type, event.ref) == (EventType.UNKNOWN, None)
    assert event.name == changes["subscriptionType"]


def merge(**members):
    return line(subscriptionType="contact.merge", **members)


@pytest.mark.parametrize(
    ("members", "losers", "survivor"),
    [
        ({"primaryObjectId": 512, "mergedObjectIds": [513]}, [513], 512),
        ({"primaryObjectId": 512, "mergedObjectIds": [514, 513, 514]}, [513, 514], 512),
        ({"mergedObjectIds": [513]}, [513], 512),
        ({"primaryObjectId": 512, "mergedObjectIds": [513], "newObjectId": None}, [513], 512),
        ({"primaryObjectId": 512, "mergedObjectIds": [513], "newObjectId": 512}, [513], 512),
        ({"primaryObjectId": 512, "mergedObjectIds": [513], "newObjectId": 777}, [512, 513], 777),
        ({"mergedObjectIds": [513], "newObjectId": 777}, [512, 513], 777),
        # HubSpot is not known to send these, but it might.
        ({"objectId": 777, "primaryObjectId": 512, "mergedObjectIds": [513], "newObjectId": 777},
         [512, 513], 777),
        ({"objectId": 513, "primaryObjectId": 512, "mergedObjectIds": [513]}, [513], 512),
        ({"primaryObjectId": 512}, [], 512),
    ],
)  # fmt: skip
def test_a_merge_moves_every_loser_to_the_survivor_and_rings_for_it(members, losers, survivor):
    *moves, last = parse_lines(merge(**members))
    assert [(move.type, move.ref.id, move.into.id) for move in moves] == [
        (EventType.MERGED, str(loser), str(survivor)) for loser in losers
    ]
    assert (last.type, last.ref.id, last.into) == (EventType.CHANGED, str(survivor), None)


def test_a_merge_that_names_nobody_is_counted_as_unknown():
    [event] = parse_lines(merge(objectId=None, mergedObjectIds=[513]))
    assert event.type is EventType.UNKNOWN


def test_what_hubspot_writes_as_null_is_as_if_it_were_absent():
    absent = line(subscriptionType="contact.creation")
    nothing = dict.fromkeys(["propertyName", "mergedObjectIds", "associationType", "eventType"])
    assert parse_lines(absent | nothing) == parse_lines(absent)


def keys(*lines):
    return [event.key for event in parse_lines(*lines)]


SAID = {"eventId": 1001, "subscriptionId": 22, "attemptNumber": 0, "propertyName": "jobtitle",
        "subscriptionType": "contact.propertyChange"}  # fmt: skip


@pytest.mark.parametrize("attempt", [1, 10])
def test_every_attempt_to_deliver_an_event_has_the_same_key(attempt):
    assert keys(line(**SAID)) == keys(line(**SAID | {"attemptNumber": attempt}))


@pytest.mark.parametrize(
    "change",
    [{"eventId": 1002}, {"subscriptionId": 23}, {"propertyName": "phone"}, {"objectId": 513},
     {"occurredAt": 1790000000001}, {"portalId": 62516},
     {"subscriptionType": "company.propertyChange"}],
)  # fmt: skip
def test_another_event_has_another_key(change):
    assert keys(line(**SAID)) != keys(line(**SAID | change))


def test_the_key_of_an_association_has_its_ends():
    made = SAID | {"subscriptionType": "deal.associationChange",
                   "associationType": "DEAL_TO_CONTACT", "fromObjectId": 1, "toObjectId": 2}  # fmt: skip
    others = [{"fromObjectId": 3}, {"toObjectId": 3}, {"associationType": "DEAL_TO_COMPANY"},
              {"associationRemoved": True}, {"isPrimaryAssociation": True}]  # fmt: skip
    lines = [line(**made), *(line(**made | other) for other in others)]
    assert len(set(keys(*lines))) == len(keys(*lines))


def test_all_that_one_line_rings_for_have_keys_of_their_own():
    events = parse_lines(merge(primaryObjectId=512, mergedObjectIds=[513, 514], newObjectId=777))
    assert len({event.key for event in events}) == len(events) == 4


def test_the_recorded_retry_has_the_keys_of_the_first_attempt():
    first, third = (
        cases.Delivery("hubspot", case) for case in ("deal_won", "deal_won_in_a_third_attempt")
    )
    assert first.request.body != third.request.body
    assert [event.key for event in first.events] == [event.key for event in third.events]
