from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from infra.sandbox.hubspot import StandIn
from infra.sandbox.hubspot.records import COMPANIES, CONTACTS, DEALS, Actor
from tests.infra.sandbox.hubspot.conftest import Api

REASONS = ("Bought 7 times +41", "Spent 612 USD +28", "Clicked an email +6")


@pytest.fixture
def contact(api: Api, stand_in: StandIn) -> str:
    portal = stand_in.portal
    contact = portal.load(CONTACTS, {"firstname": "<b>Alice</b>", "lifecyclestage": "lead"}).id
    company = portal.load(COMPANIES, {"name": "Blue Harbour"}).id
    deal = portal.load(DEALS, {"dealname": "Order", "amount": "1234.5", "dealstage": "closedwon"})
    portal.load_link((CONTACTS, contact), (COMPANIES, company), primary=True)
    portal.load_link((DEALS, deal.id), (CONTACTS, contact))
    return contact


def provision(api: Api, *, label: str = "Emtiaz score") -> None:
    rows: list[dict[str, Any]] = [
        {"name": "emtiaz_score", "label": label, "type": "number", "fieldType": "number"},
        {"name": "emtiaz_why", "label": "Emtiaz reasons", "type": "string", "fieldType": "text"},
        {"name": "emtiaz_updated", "label": "Updated", "type": "datetime", "fieldType": "date"},
        {
            "name": "emtiaz_tags",
            "label": "Emtiaz tags",
            "type": "enumeration",
            "fieldType": "checkbox",
            "options": [
                {"label": "Class A", "value": "class:A", "displayOrder": 0, "hidden": False}
            ],
        },
    ]
    inputs = [row | {"groupName": "contactinformation"} for row in rows]
    assert api.post("/crm/properties/{v}/contacts/batch/create", {"inputs": inputs}).ok


def score(api: Api, contact: str, **properties: str) -> None:
    named = {f"emtiaz_{name}": value for name, value in properties.items()}
    address = f"/crm/objects/{{v}}/contacts/{contact}"
    assert api.patch(address, {"properties": named}).ok


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attributes if name in ("href", "src")]


def page(stand_in: StandIn, contact: str) -> str:
    answer = requests.get(stand_in.record_url(contact), timeout=5)
    assert answer.status_code == 200
    return answer.text


def test_a_contact_without_a_score_says_so(stand_in: StandIn, contact: str) -> None:
    text = page(stand_in, contact)

    assert "Not scored yet" in text
    assert "Blue Harbour" in text
    assert "1,234.50" in text


def test_score_reasons_and_tags_are_read_from_the_properties(
    api: Api, stand_in: StandIn, contact: str
) -> None:
    provision(api)
    score(api, contact, score="82", why=" · ".join(REASONS), tags="class:A")

    text = page(stand_in, contact)

    assert '<strong data-field="score">82</strong>' in text
    assert all(f'<li dir="auto">{reason}</li>' in text for reason in REASONS)
    assert '<span class="chip" title="class:A">Class A</span>' in text
    assert '<section class="card emtiaz" dir="ltr">' in text


def test_the_time_of_scoring_is_told_to_the_second(
    api: Api, stand_in: StandIn, contact: str
) -> None:
    provision(api)
    score(api, contact, score="82", updated="2026-11-01T08:00:09.123Z")

    assert "2026-11-01 08:00:09 UTC" in page(stand_in, contact)


def test_persian_texts_turn_the_panel_around(api: Api, stand_in: StandIn, contact: str) -> None:
    provision(api, label="امتیاز")
    score(api, contact, score="82")

    assert '<section class="card emtiaz" dir="rtl">' in page(stand_in, contact)


def test_what_people_typed_is_escaped(stand_in: StandIn, contact: str) -> None:
    assert "<b>Alice" not in page(stand_in, contact)


def test_nothing_is_fetched_from_elsewhere(stand_in: StandIn, contact: str) -> None:
    for text in (page(stand_in, contact), requests.get(stand_in.url, timeout=5).text):
        assert all(link.startswith(("/", "data:,")) for link in Links(text).found)


def test_the_script_and_the_style_are_served(stand_in: StandIn, contact: str) -> None:
    for link in Links(page(stand_in, contact)).found:
        if link.startswith("/_static"):
            assert requests.get(stand_in.url + link, timeout=5).status_code == 200


def test_the_state_changes_with_the_record_and_its_deals_alone(
    stand_in: StandIn, contact: str
) -> None:
    def state() -> str:
        return requests.get(f"{stand_in.record_url(contact)}/state", timeout=5).json()["version"]

    first = state()
    assert state() == first
    deal = stand_in.portal.records(DEALS)[0].id
    stand_in.portal.update(DEALS, deal, {"amount": "5"}, Actor.user(77))
    second = state()
    stand_in.portal.update(CONTACTS, contact, {"city": "Shiraz"}, Actor.user(77))

    assert len({first, second, state()}) == 3


def test_the_timeline_tells_who_wrote_what(api: Api, stand_in: StandIn, contact: str) -> None:
    stand_in.portal.update(CONTACTS, contact, {"city": "Shiraz"}, Actor.user(77))
    provision(api)
    score(api, contact, score="82")

    text = page(stand_in, contact)

    assert text.index("<b>Emtiaz</b>") < text.index("<b>A rep</b>") < text.index("<b>Import</b>")


def test_the_timeline_speaks_in_labels(api: Api, stand_in: StandIn, contact: str) -> None:
    deal = stand_in.portal.records(DEALS)[0].id
    stand_in.portal.update(DEALS, deal, {"dealstage": "contractsent"}, Actor.user(77))
    provision(api)
    score(api, contact, score="82")

    text = page(stand_in, contact)

    assert "<span>Deal stage</span> <bdi>Contract sent</bdi>" in text
    assert "<span>Score</span> <bdi>82</bdi>" in text


def test_of_two_values_of_one_instant_the_timeline_tells_the_later(
    stand_in: StandIn, contact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = stand_in.portal.now()
    monkeypatch.setattr(stand_in.portal, "now", lambda: noon)
    for city in ("Shiraz", "Yazd"):
        stand_in.portal.update(CONTACTS, contact, {"city": city}, Actor.user(77))

    text = page(stand_in, contact)

    assert "Yazd" in text
    assert "Shiraz" not in text


def test_the_timeline_is_silent_about_clearing_what_was_empty(
    api: Api, stand_in: StandIn, contact: str
) -> None:
    provision(api)
    score(api, contact, score="82", tags="")
    assert "cleared" not in page(stand_in, contact)

    score(api, contact, tags="class:A")
    score(api, contact, tags="")
    assert "<span>Tags</span> <bdi>cleared</bdi>" in page(stand_in, contact)


def test_the_list_shows_the_highest_score_first(api: Api, stand_in: StandIn, contact: str) -> None:
    other = stand_in.portal.load(CONTACTS, {"firstname": "Zoe"}).id
    provision(api)
    score(api, contact, score="40")
    score(api, other, score="90")

    text = requests.get(stand_in.url, timeout=5).text

    assert text.index("Zoe") < text.index("Alice")


def test_an_unknown_contact_is_not_found(stand_in: StandIn) -> None:
    assert requests.get(stand_in.record_url("1"), timeout=5).status_code == 404
