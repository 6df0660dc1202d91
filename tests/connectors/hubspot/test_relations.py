"""Who is concerned by a change elsewhere, and what is read beside a contact."""

import pytest

from chalicelib.core.connector import OAuthGrant, Secret
from chalicelib.core.errors import CredentialsInvalid
from connectors.hubspot.client import HubSpotClient
from tests.connectors.hubspot.api_double import (
    ASSOCIATIONS,
    CONNECTION,
    NOW,
    OBJECTS,
    TOKEN,
    account,
    all_found,
    attribute,
    client,
    contact,
    deal,
    no_links,
    ref,
)
from tests.fakes.access import FakeAccess

ALL_KINDS = {
    "account": "companies",
    "ticket": "tickets",
    "survey": "feedback_submissions",
    "line_item": "line_items",
}


def links(source, target):
    return f"{ASSOCIATIONS}{source}/{target}/batch/read"


def linking(pairs):
    """Answers by id: what each input is linked to."""

    def answer(body):
        return {
            "results": [
                {
                    "from": {"id": one["id"]},
                    "to": [
                        {"toObjectId": to, "associationTypes": []}
                        for to in pairs.get(int(one["id"]), ())
                    ],
                }
                for one in body["inputs"]
            ]
        }

    return answer


@pytest.mark.parametrize(
    ("kind", "path"), [(kind, path) for kind, path in ALL_KINDS.items() if kind != "line_item"]
)
def test_records_of_a_kind_that_the_policy_reads_move_their_contacts(api, kind, path):
    api.answer("POST", links(path, "contacts"), linking({7: [2, 1]}))
    moved = client(attribute("it", kind=kind)).subjects([ref(kind, 7), contact(9)])
    assert moved == {ref(kind, 7): (contact(1), contact(2)), contact(9): (contact(9),)}
    assert len(api.calls) == 1


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_records_of_a_kind_that_it_does_not_read_move_nobody_and_cost_nothing(api, kind):
    assert client().subjects([ref(kind, 7)]) == {ref(kind, 7): ()}
    assert api.calls == []


def test_a_line_item_moves_the_contacts_of_its_deals(api):
    api.answer("POST", links("line_items", "deals"), linking({70: [900], 71: [900, 901], 72: []}))
    api.answer("POST", links("deals", "contacts"), linking({900: [2, 1], 901: [3], 902: [4]}))
    items = [ref("line_item", one) for one in (70, 71, 72)]
    moved = client(attribute("brand", kind="line_item")).subjects([*items, deal(902)])
    assert moved == {
        items[0]: (contact(1), contact(2)),
        items[1]: (contact(1), contact(2), contact(3)),
        items[2]: (),
        deal(902): (contact(4),),
    }
    assert len(api.calls) == 2


def test_leads_and_what_hubspot_does_not_hold_move_nobody(api):
    assert client().subjects([ref("lead", 5)]) == {ref("lead", 5): ()}


def every_kind():
    return [attribute(f"my_{kind}", kind=kind) for kind in ALL_KINDS]


def portal_of_one(api, deals=(900, 901)):
    """One contact with everything, two deals that share no line item, one product."""
    for path in ("contacts", "deals", "companies", "tickets", "feedback_submissions"):
        api.answer("POST", f"{OBJECTS}{path}/batch/read", all_found)
    for path, ids in {
        "deals": deals,
        "companies": [700],
        "tickets": [800],
        "feedback_submissions": [600],
    }.items():
        api.answer("POST", links("contacts", path), linking({1: ids}))
    api.answer("POST", links("deals", "line_items"), linking({900: [70, 71], 901: [72]}))
    api.answer("POST", OBJECTS + "line_items/batch/read", items_of("P1", "P1", None))
    api.answer("POST", OBJECTS + "products/batch/read", products)
    for path in ("deals", "tickets"):
        api.answer("GET", f"/crm/pipelines/2026-03/{path}", {"results": []})


def items_of(*product_ids):
    def answer(body):
        pairs = zip(body["inputs"], product_ids, strict=False)
        return {
            "results": [
                {"id": one["id"], "properties": {"hs_product_id": product}}
                for one, product in pairs
            ]
        }

    return answer


def products(body):
    return {
        "results": [
            {"id": one["id"], "properties": {"name": "Seat", "hs_product_type": "service"}}
            for one in body["inputs"]
        ]
    }


def facts_of(reading):
    return {(fact.type, fact.id): fact for fact in reading.facts[contact(1)]}


def test_all_that_the_policy_reads_is_linked_and_told(api):
    portal_of_one(api)
    facts = facts_of(client(*every_kind()).fetch([contact(1)], NOW))
    assert facts["links", "links"].data == {
        "deal": ["900", "901"],
        "account": ["700"],
        "ticket": ["800"],
        "survey": ["600"],
        "line_item": ["70", "71", "72"],
    }
    assert {kind for kind, _ in facts} == {"contact", "links", "deal", *ALL_KINDS}
    assert facts["line_item", "71"].data == {
        "deal_id": "900",
        "product_id": "P1",
        "product": {"name": "Seat", "type": "service"},
    }
    assert facts["line_item", "72"].data == {"deal_id": "901"}


def test_nothing_is_asked_for_that_the_policy_does_not_read(api):
    portal_of_one(api)
    client(attribute("brand", kind="line_item")).fetch([contact(1)], NOW)
    assert [path for _, path, _ in api.calls] == [
        OBJECTS + "contacts/batch/read",
        links("contacts", "deals"),
        OBJECTS + "deals/batch/read",
        links("deals", "line_items"),
        OBJECTS + "line_items/batch/read",
        "/crm/pipelines/2026-03/deals",
        OBJECTS + "products/batch/read",
    ]


def test_a_contact_without_deals_has_no_line_items_and_they_cost_nothing(api):
    portal_of_one(api, deals=())
    api.mock.replace(
        "POST", "https://api.hubapi.com" + links("contacts", "deals"), json=no_links(0)
    )
    facts = facts_of(client(attribute("brand", kind="line_item")).fetch([contact(1)], NOW))
    assert facts["links", "links"].data == {"deal": [], "line_item": []}
    assert len(api.calls) == 2


def test_products_and_pipelines_are_remembered_for_a_while(api):
    portal_of_one(api)
    one = client(*every_kind())
    one.fetch([contact(1)], NOW)
    first = len(api.calls)
    one.fetch([contact(1)], NOW)
    repeated = [path for _, path, _ in api.calls[first:]]
    assert OBJECTS + "products/batch/read" not in repeated
    assert not any(path.startswith("/crm/pipelines") for path in repeated)


def test_a_record_of_two_contacts_is_read_once_and_told_of_both(api):
    portal_of_one(api)
    api.mock.replace(
        "POST",
        "https://api.hubapi.com" + links("contacts", "companies"),
        json=linking({1: [700], 2: [700]})({"inputs": [{"id": "1"}, {"id": "2"}]}),
    )
    reading = client(attribute("industry", kind="account")).fetch([contact(1), contact(2)], NOW)
    [body] = api.calls_to(OBJECTS + "companies")
    assert body["inputs"] == [{"id": "700"}]
    for one in (contact(1), contact(2)):
        assert {fact.id for fact in reading.facts[one] if fact.type == "account"} == {"700"}
    assert account(700) not in reading.facts


MISSING = {"status": "error", "message": "scopes are missing", "category": "MISSING_SCOPES"}


def of_surveys(oauth):
    grant = OAuthGrant("id", "client-secret", "refresh") if oauth else None
    secret = Secret("https://hooks.example.com", ("unused",), TOKEN, oauth=grant)
    nps = attribute("nps", kind="survey", field="hs_value", of_type="number")
    return HubSpotClient(CONNECTION, secret, [nps], FakeAccess(TOKEN))


def test_surveys_that_an_account_does_not_grant_are_left_out_and_asked_for_once(api):
    api.answer("POST", OBJECTS + "contacts/batch/read", all_found)
    api.answer("POST", links("contacts", "deals"), no_links)
    api.answer("POST", links("contacts", "feedback_submissions"), MISSING, 403)
    surveyed = of_surveys(oauth=True)
    for _ in range(2):
        assert contact(1) in surveyed.fetch([contact(1)], NOW).facts
    assert len(api.calls_to(links("contacts", "feedback_submissions"))) == 1


def test_a_walk_through_what_changed_passes_over_them(api):
    search = OBJECTS + "{}/search"
    for found in ("contacts", "deals"):
        api.answer("POST", search.format(found), {"total": 0, "results": []})
    api.answer("POST", search.format("feedback_submissions"), MISSING, 403)
    surveyed, cursor = of_surveys(oauth=True), None
    for _ in range(3):
        cursor = surveyed.changed_since(NOW, cursor).next
    assert cursor is None


def test_a_static_token_that_lacks_a_scope_is_told_of(api):
    api.answer("POST", OBJECTS + "contacts/batch/read", all_found)
    api.answer("POST", links("contacts", "deals"), no_links)
    api.answer("POST", links("contacts", "feedback_submissions"), MISSING, 403)
    with pytest.raises(CredentialsInvalid, match="scopes are missing"):
        of_surveys(oauth=False).fetch([contact(1)], NOW)
