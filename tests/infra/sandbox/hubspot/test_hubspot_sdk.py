"""HubSpot's own client drives the stand-in, checking every answer against HubSpot's schemas."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hubspot_sdk import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    HubSpot,
    NotFoundError,
    RateLimitError,
)

from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    FEEDBACK_SUBMISSIONS,
    LINE_ITEMS,
    TICKETS,
)


@pytest.fixture
def hubspot(stand_in: StandIn) -> Iterator[HubSpot]:
    with HubSpot(
        access_token=stand_in.token,
        base_url=stand_in.url,
        max_retries=0,
        _strict_response_validation=True,
    ) as client:
        yield client


@pytest.fixture
def contacts(stand_in: StandIn) -> list[str]:
    people = [
        {"firstname": f"Name{n}", "lastname": "Test", "email": f"n{n}@example.com"}
        for n in range(5)
    ]
    return [stand_in.portal.load(CONTACTS, person).id for person in people]


def test_lists_all_contacts_page_by_page(hubspot: HubSpot, contacts: list[str]) -> None:
    found = [one.id for one in hubspot.crm.objects.contacts.list(limit=2, properties=["email"])]

    assert found == contacts


def test_reads_one_contact(hubspot: HubSpot, contacts: list[str]) -> None:
    found = hubspot.crm.objects.contacts.get(contacts[0], properties=["email", "firstname"])

    assert found.properties["email"] == "n0@example.com"


def test_reads_a_batch_with_history(hubspot: HubSpot, contacts: list[str]) -> None:
    found = hubspot.crm.objects.contacts.batch.get(
        inputs=[{"id": one} for one in contacts[:2]],
        properties=["email"],
        properties_with_history=["firstname"],
    )

    assert [one.id for one in found.results] == contacts[:2]
    assert found.results[0].properties_with_history["firstname"][0].source_type == "IMPORT"


def test_updates_a_batch(hubspot: HubSpot, contacts: list[str]) -> None:
    hubspot.crm.objects.contacts.batch.update(
        inputs=[{"id": one, "properties": {"jobtitle": "Buyer"}} for one in contacts]
    )

    found = hubspot.crm.objects.contacts.get(contacts[4], properties=["jobtitle"])
    assert found.properties["jobtitle"] == "Buyer"


def test_a_mixed_batch_comes_back_as_207_with_the_guilty_id(
    hubspot: HubSpot, contacts: list[str]
) -> None:
    answer = hubspot.crm.objects.contacts.batch.with_raw_response.update(
        inputs=[
            {"id": contacts[0], "properties": {"lifecyclestage": "customer"}},
            {"id": contacts[1], "properties": {"lifecyclestage": "no such stage"}},
        ]
    )

    body = answer.http_response.json()
    assert answer.http_response.status_code == 207
    assert [one.id for one in answer.parse().results] == [contacts[0]]
    assert body["errors"][0]["context"]["ids"] == [contacts[1]]


def test_searches_by_filters_newest_first(hubspot: HubSpot, contacts: list[str]) -> None:
    found = hubspot.crm.objects.contacts.search(
        filter_groups=[
            {
                "filters": [
                    {"property_name": "lastname", "operator": "EQ", "value": "test"},
                    {"property_name": "hs_object_id", "operator": "GT", "value": contacts[0]},
                ]
            },
            {
                "filters": [
                    {
                        "property_name": "hs_object_id",
                        "operator": "BETWEEN",
                        "value": "0",
                        "high_value": contacts[0],
                    }
                ]
            },
        ],
        sorts=["-hs_object_id"],
        properties=["firstname"],
        limit=3,
        after="0",
    )

    assert found.total == 5
    assert [one.id for one in found.results] == contacts[:1:-1]
    assert found.results[0].properties["firstname"] == "Name4"
    assert found.paging
    assert found.paging.next.after == "3"


def test_a_search_that_is_too_deep_is_refused(hubspot: HubSpot) -> None:
    with pytest.raises(BadRequestError):
        hubspot.crm.objects.deals.search(
            filter_groups=[], sorts=[], properties=[], limit=200, after="9801"
        )


def test_the_sixth_search_of_a_second_is_limited(hubspot: HubSpot, stand_in: StandIn) -> None:
    stand_in.search_limit.reset(Rate(calls=5, seconds=60))

    def search() -> None:
        hubspot.crm.objects.companies.search(
            filter_groups=[], sorts=[], properties=[], limit=1, after="0"
        )

    for _ in range(5):
        search()
    with pytest.raises(RateLimitError):
        search()


def test_creates_a_group_and_properties_and_extends_their_options(hubspot: HubSpot) -> None:
    def option(value: str) -> dict[str, object]:
        return {"label": value.upper(), "value": value, "displayOrder": 0, "hidden": False}

    hubspot.crm.properties.groups.create("contacts", name="emtiaz", label="Emtiaz")
    hubspot.crm.properties.batch.create(
        "contacts",
        inputs=[
            {
                "name": "emtiaz_class",
                "label": "Class",
                "type": "enumeration",
                "field_type": "select",
                "group_name": "emtiaz",
                "options": [option("a")],
            }
        ],
    )
    hubspot.crm.properties.update(
        "emtiaz_class", object_type="contacts", options=[option("a"), option("b")]
    )

    found = hubspot.crm.properties.get("emtiaz_class", object_type="contacts")
    assert [one.value for one in found.options] == ["a", "b"]
    assert "emtiaz_class" in {one.name for one in hubspot.crm.properties.list("contacts").results}


def test_an_existing_property_is_a_conflict(hubspot: HubSpot) -> None:
    with pytest.raises(ConflictError):
        hubspot.crm.properties.create(
            "contacts",
            name="email",
            label="Email",
            type="string",
            field_type="text",
            group_name="contactinformation",
        )


def test_reads_associations_in_both_directions(
    hubspot: HubSpot, stand_in: StandIn, contacts: list[str]
) -> None:
    company = stand_in.portal.load(COMPANIES, {"name": "Blue Harbour"}).id
    stand_in.portal.load_link((CONTACTS, contacts[0]), (COMPANIES, company), primary=True)

    there = hubspot.crm.associations.batch.get(
        "companies", from_object_type="contacts", inputs=[{"id": contacts[0]}]
    )
    back = hubspot.crm.associations.batch.get(
        "contacts", from_object_type="companies", inputs=[{"id": company}]
    )

    assert there.results[0].to[0].to_object_id == company
    assert {spec.type_id for spec in there.results[0].to[0].association_types} == {279, 1}
    assert back.results[0].to[0].to_object_id == contacts[0]
    assert {spec.type_id for spec in back.results[0].to[0].association_types} == {280, 2}


def test_creates_associations(hubspot: HubSpot, stand_in: StandIn, contacts: list[str]) -> None:
    deal = stand_in.portal.load(DEALS, {"dealname": "Order"}).id

    hubspot.crm.associations.batch.create(
        "contacts",
        from_object_type="deals",
        inputs=[
            {
                "from": {"id": deal},
                "to": {"id": contacts[0]},
                "types": [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 3}],
            }
        ],
    )
    hubspot.crm.associations.batch.create_default(
        "contacts",
        from_object_type="deals",
        inputs=[{"from": {"id": deal}, "to": {"id": contacts[1]}}],
    )

    linked = stand_in.portal.linked(stand_in.portal.get(DEALS, deal), CONTACTS)
    assert [one.id for one in linked] == contacts[:2]


def test_reads_pipelines_with_closed_and_probability_as_text(hubspot: HubSpot) -> None:
    stages = [stage for one in hubspot.crm.pipelines.list("deals").results for stage in one.stages]

    won = {
        stage.id
        for stage in stages
        if stage.metadata["isClosed"] == "true" and stage.metadata["probability"] == "1.0"
    }
    assert won == {"closedwon", "7700102", "7700103"}


def test_reads_account_details(hubspot: HubSpot) -> None:
    details = hubspot.account.get()

    assert (details.portal_id, details.company_currency) == (62515, "USD")


def test_uninstalls_itself(stand_in: StandIn) -> None:
    token = stand_in.oauth.install()["access_token"]
    with HubSpot(access_token=token, base_url=stand_in.url, max_retries=0) as hubspot:
        assert hubspot.account.get().portal_id == 62515
        hubspot.crm.app_uninstalls.uninstall()
        with pytest.raises(AuthenticationError):
            hubspot.account.get()


def test_reads_currencies(hubspot: HubSpot) -> None:
    home = hubspot.settings.currencies.get_company_currency()
    (rate,) = hubspot.settings.currencies.exchange_rates.list_current_exchange_rates().results

    assert (home.id, rate.to_currency_code, rate.from_currency_code) == ("USD", "USD", "EUR")
    assert rate.conversion_rate == 1.25


def test_reads_ticket_pipelines_tickets_line_items_and_feedback(
    hubspot: HubSpot, stand_in: StandIn
) -> None:
    load = stand_in.portal.load
    ticket = load(TICKETS, {"hs_pipeline_stage": "4"}).id
    line = load(LINE_ITEMS, {"quantity": "2", "price": "5"}).id
    feedback = load(FEEDBACK_SUBMISSIONS, {"hs_value": "9"}).id
    stages = hubspot.crm.pipelines.list("tickets").results[0].stages

    closed = [one.id for one in stages if one.metadata["ticketState"] == "CLOSED"]
    found = hubspot.crm.objects.tickets.get(ticket, properties=["hs_pipeline_stage"])
    assert closed == [found.properties["hs_pipeline_stage"]]
    found = hubspot.crm.objects.line_items.get(line, properties=["amount"])
    assert found.properties["amount"] == "10"
    batch = hubspot.crm.objects.feedback_submissions.batch.get(
        inputs=[{"id": feedback}], properties=["hs_value"], properties_with_history=[]
    )
    assert batch.results[0].properties["hs_value"] == "9"


def test_merges_and_privacy_deletes(hubspot: HubSpot, contacts: list[str]) -> None:
    first, second, third, *_ = contacts

    merged = hubspot.crm.objects.contacts.merge(primary_object_id=first, object_id_to_merge=second)
    hubspot.crm.objects.contacts.gdpr_delete(object_id=third)

    assert merged.id == hubspot.crm.objects.contacts.get(second).id == first
    with pytest.raises(NotFoundError):
        hubspot.crm.objects.contacts.get(third)


def test_reads_what_was_deleted(hubspot: HubSpot, contacts: list[str]) -> None:
    hubspot.crm.objects.contacts.delete(contacts[0])

    found = hubspot.crm.objects.contacts.batch.get(
        inputs=[{"id": contacts[0]}],
        properties=["email"],
        properties_with_history=[],
        archived=True,
    )
    assert found.results[0].archived_at
    assert [one.id for one in hubspot.crm.objects.contacts.list(archived=True)] == contacts[:1]


def test_a_wrong_token_is_refused(stand_in: StandIn) -> None:
    with (
        HubSpot(access_token="other", base_url=stand_in.url, max_retries=0) as stranger,
        pytest.raises(AuthenticationError),
    ):
        stranger.account.get()
