"""What a test of another process does to the stand-in, seen from the stand-in's own side."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.sandbox._serving.fault_plan import FaultPlan
from infra.sandbox._serving.faults import Fault
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import StandIn, remote
from infra.sandbox.hubspot.guesses import Guesses
from infra.sandbox.hubspot.oauth import TokenPolicy
from infra.sandbox.hubspot.records import CONTACTS, DEALS
from infra.sandbox.hubspot.remote import ControlRefused, Remote
from infra.sandbox.hubspot.workflows import WebhookAction
from tests.infra.sandbox.conftest import Receiver
from tests.infra.sandbox.hubspot.conftest import Api

DETAILS = "/account-info/{v}/details"


@pytest.fixture
def far(stand_in: StandIn) -> Iterator[Remote]:
    found = Remote(stand_in.url)
    yield found
    found.close()


def test_people_are_played_from_afar(far: Remote, stand_in: StandIn) -> None:
    contact = far.load({"contacts": [{"properties": {"firstname": "Alice"}}]})["contacts"][0]
    deal = far.create("deals", {"dealname": "A", "dealstage": "contractsent"})
    far.update("contacts", contact, {"hs_email_open": "4"}, as_="hubspot")
    far.update("contacts", contact, {"firstname": "Anna"}, user_id=78)
    far.associate(("deals", deal), ("contacts", contact))
    far.win(deal)

    record = stand_in.portal.get(CONTACTS, contact)
    assert (record.value("hs_email_open"), record.value("firstname")) == ("4", "Anna")
    assert record.history["firstname"][-1].by.user_id == 78
    assert [one.value("dealstage") for one in stand_in.portal.linked(record, DEALS)] == [
        "closedwon"
    ]
    far.dissociate(("deals", deal), ("contacts", contact))
    far.delete("deals", deal)
    assert stand_in.portal.linked(record, DEALS) == ()
    assert stand_in.portal.find(DEALS, deal) is None


def test_records_are_merged_deleted_restored_and_erased_from_afar(
    far: Remote, stand_in: StandIn
) -> None:
    first, second = far.load({"contacts": [{"properties": {}}] * 2})["contacts"]
    far.guess(Guesses(merge_gives_new_id=True))
    survivor = far.merge("contacts", first, [second])
    assert survivor not in (first, second)
    far.delete("contacts", survivor)
    far.restore("contacts", survivor)
    assert stand_in.portal.get(CONTACTS, first).id == survivor
    far.erase(second)
    assert far.dump()["contacts"] == []


def test_rules_and_rates_are_set_from_afar(far: Remote, api: Api) -> None:
    contact = far.load({"contacts": [{"properties": {"lifecyclestage": "lead"}}]})["contacts"][0]
    path, body = f"/crm/objects/{{v}}/contacts/{contact}", {"properties": {"city": "Lyon"}}
    far.require("contacts", "jobtitle", when="lifecyclestage", value="lead")
    assert api.patch(path, body).status_code == 400
    far.clear_rules()
    far.bound("companies", "annualrevenue", minimum=1)
    assert api.patch(path, body).status_code == 200
    poor = {"properties": {"annualrevenue": "0"}}
    assert api.post("/crm/objects/{v}/companies", poor).status_code == 400
    far.set_exchange_rate("EUR", "2")
    rates = api.get("/settings/currencies/{v}/exchange-rates/current").json()["results"]
    assert [one["conversionRate"] for one in rates] == [2.0]


def test_trouble_is_planned_from_afar(far: Remote, api: Api) -> None:
    far.plan(Fault(count=1, status=503))
    assert api.get(DETAILS).status_code == 503
    far.follow(FaultPlan(share=1, kinds=("429",)))
    assert api.get(DETAILS).status_code == 429
    assert far.struck() == {"429": 1}
    far.clear_faults()
    far.outage(until=datetime(2999, 1, 1, tzinfo=UTC))
    assert api.get(DETAILS).status_code == 503
    assert len(far.outage_calls()) == 1
    far.lift()
    far.limit_rate(Rate(0, 60))
    assert api.get(DETAILS).status_code == 429


def test_webhooks_and_workflows_are_driven_from_afar(far: Remote, receiver: Receiver) -> None:
    contact = far.load({"contacts": [{"properties": {"firstname": "Alice"}}]})["contacts"][0]
    row = {"subscriptionType": "contact.propertyChange", "propertyName": "firstname"}
    settings = {"target_url": receiver.url, "secret": "s", "gather_ms": 0, "subscriptions": [row]}
    far.configure_webhooks(settings)
    far.update("contacts", contact, {"firstname": "Anna"})
    far.flush()
    assert [one["status"] for one in far.deliveries()] == [200]
    far.configure_webhooks(settings | {"lose_share": 1})
    far.update("contacts", contact, {"firstname": "Anne"})
    far.flush()
    assert far.lost_events() == [1002]
    far.drop_subscriptions(1)
    far.drop_subscriptions()
    far.update("contacts", contact, {"firstname": "Alice"})
    far.enrol("contacts", contact, WebhookAction(receiver.url, "s"))
    far.flush()
    assert [one["status"] for one in far.workflow_attempts()] == [200]
    assert (len(far.deliveries()), len(receiver.requests)) == (1, 2)


def test_engagement_and_histories_are_seen_from_afar(far: Remote) -> None:
    contact = far.load({"contacts": [{"properties": {"city": "Lyon"}}]})["contacts"][0]
    opened = datetime(2026, 1, 1, tzinfo=UTC)
    far.engage(contact, "email_open", opened)
    far.update("contacts", contact, {"city": "Paris"})

    written = far.property_history("contacts", contact, "city")
    assert [(one.value, one.source) for one in written] == [("Lyon", "IMPORT"), ("Paris", "CRM_UI")]
    assert written[0].at <= written[1].at
    assert far.histories("contacts", "city") == {contact: written}
    (noted,) = far.property_history("contacts", contact, "hs_email_last_open_date")
    assert (noted.value, noted.source) == ("2026-01-01T00:00:00.000Z", "CALCULATED")


def test_limits_are_set_and_told_from_afar(far: Remote, api: Api) -> None:
    far.limit_rate(Rate(1, 60))
    for _ in range(2):
        api.get(DETAILS)
    far.limit_searches(Rate(0, 60))
    assert api.post("/crm/objects/{v}/contacts/search", {}).status_code == 429
    far.leave_daily(3, resets_at=datetime(2999, 1, 1, tzinfo=UTC))

    assert (far.usage().passed, far.usage().refused, far.usage().share) == (1, 1, 0.0)
    assert far.usage("search").refused == 1
    assert far.daily_quota() == {
        "limit": 625000,
        "left": 3,
        "refused": 0,
        "resets_at": "2999-01-01T00:00:00.000Z",
    }


def test_tokens_are_given_and_end_from_afar(far: Remote, api: Api) -> None:
    far.set_token_policy(TokenPolicy(expires_in=60))
    tokens = far.install()
    api.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert api.get(DETAILS).status_code == 200
    far.limit_oauth_rate(Rate(0, 60))
    assert api.get(DETAILS).status_code == 429
    assert far.advance(timedelta(seconds=60)) > datetime.now(UTC) + timedelta(seconds=50)
    assert api.get(DETAILS).status_code == 401
    assert (far.refreshes(), far.refresh_tokens()) == ([], [tokens["refresh_token"]])
    far.uninstall()
    assert far.refresh_tokens() == []


def test_calls_are_counted_from_afar(far: Remote, api: Api) -> None:
    api.get(DETAILS)

    assert far.request_counts() == {"GET /account-info/{version}/details": 1}
    assert [one["status"] for one in far.requests()] == [200]
    far.forget_requests()
    assert far.requests() == []


def test_a_refusal_is_raised_with_its_reason(far: Remote) -> None:
    with pytest.raises(ControlRefused, match='Property \\\\"nope\\\\" does not exist'):
        far.create("contacts", {"nope": "1"})


def test_a_stand_in_of_its_own_runs_until_the_end_of_the_block() -> None:
    with remote.running("--token", "t") as far:
        far.flush()
        assert far.dump()["contacts"] == []
    with pytest.raises(OSError, match="Connection"):
        Remote(far.url).dump()
