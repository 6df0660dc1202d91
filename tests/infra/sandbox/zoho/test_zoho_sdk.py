"""Zoho's own client drives the stand-in, checking every answer against Zoho's shapes.

It keeps one organisation per process in global state, which is why nothing else of ours uses it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.crm.api.bulk_read import (
    BodyWrapper as BulkBody,
)
from zohocrmsdk.src.com.zoho.crm.api.bulk_read import BulkReadOperations, Query
from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper as CoqlBody
from zohocrmsdk.src.com.zoho.crm.api.coql import CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.currencies import CurrenciesOperations
from zohocrmsdk.src.com.zoho.crm.api.dc.data_center import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.header_map import HeaderMap
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule
from zohocrmsdk.src.com.zoho.crm.api.notifications import BodyWrapper as WatchBody
from zohocrmsdk.src.com.zoho.crm.api.notifications import (
    DeleteNotificationParam,
    GetNotificationsParam,
    Notification,
    NotificationsOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.parameter_map import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.record import (
    BodyWrapper,
    GetDeletedRecordsParam,
    GetRecordsParam,
    Record,
    RecordOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.record import Field as Name
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.tags import NewTagRequestWrapper, Tag, TagsOperations
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, UsersOperations

from infra.sandbox.zoho import StandIn
from infra.sandbox.zoho.modules import CONTACTS
from infra.sandbox.zoho.scopes import EVERYTHING
from tests.infra.sandbox.zoho.conftest import people


@pytest.fixture(autouse=True)
def client(zoho: StandIn, tmp_path: Path) -> None:
    app = zoho.org.settings.app
    token = OAuthToken(
        client_id=app.client_id,
        client_secret=app.client_secret,
        grant_token=zoho.oauth.grant_code(EVERYTHING),
    )
    Initializer.initialize(
        environment=DataCenter.Environment(zoho.url, f"{zoho.url}/oauth/v2/token", zoho.url),
        token=token,
        store=FileStore(str(tmp_path / "tokens.csv")),
        sdk_config=SDKConfig(auto_refresh_fields=False, read_timeout=5, connect_timeout=5),
        resource_path=str(tmp_path),
    )


def asked(**values: Any) -> ParameterMap:
    params = ParameterMap()
    for param, value in values.values():
        params.add(param, value)
    return params


def test_a_self_client_is_given_tokens(zoho: StandIn) -> None:
    (org,) = OrgOperations().get_organization().get_object().get_org()

    assert (org.get_iso_code(), org.get_license_details().get_paid_type()) == ("USD", "enterprise")
    assert len(zoho.oauth.refresh_tokens()) == 1


def test_reads_records_by_id_with_their_fields(zoho: StandIn, ann: str) -> None:
    people(zoho, 2)
    query = asked(
        ids=(GetRecordsParam.ids, ann),
        fields=(GetRecordsParam.fields, "Last_Name,Email,Account_Name,Tag,Modified_Time"),
    )
    answer = RecordOperations("Contacts").get_records(query, HeaderMap())

    (found,) = answer.get_object().get_data()
    assert (found.get_id(), found.get_key_value("Email")) == (int(ann), "ann@example.com")
    assert found.get_key_value("Account_Name").get_key_value("name") == "Blue Harbour"
    assert found.get_modified_time() == zoho.org.get(CONTACTS, ann).modified_at


def test_reads_one_record_with_all_its_fields(ann: str) -> None:
    answer = RecordOperations("Contacts").get_record(int(ann), ParameterMap(), HeaderMap())

    (found,) = answer.get_object().get_data()
    assert found.get_key_value("Title") == "Buyer"
    assert found.get_created_by().get_name() == "Parisa Boyle"


def test_updates_a_batch_without_triggering_anything(zoho: StandIn, ann: str) -> None:
    rows = []
    for one, title in ((ann, "CEO"), ("1", "CTO")):
        record = Record()
        record.set_id(int(one))
        record.add_field_value(Name.Contacts.title(), title)
        rows.append(record)
    body = BodyWrapper()
    body.set_data(rows)
    body.set_trigger([])
    answer = RecordOperations("Contacts").update_records(body, HeaderMap())

    good, bad = answer.get_object().get_data()
    assert (good.get_status().get_value(), good.get_details()["id"]) == ("success", ann)
    assert bad.get_code().get_value() == "INVALID_DATA"
    assert zoho.people.shown(ann) == {}
    assert zoho.records.writings[0].trigger == ()


def test_reads_what_was_deleted(zoho: StandIn, ann: str) -> None:
    zoho.people.delete_person(ann)
    query = asked(type=(GetDeletedRecordsParam.type, "recycle"))
    answer = RecordOperations("Contacts").get_deleted_records(query, HeaderMap())

    (found,) = answer.get_object().get_data()
    assert (found.get_id(), found.get_type()) == (int(ann), "recycle")


def test_adds_tags(zoho: StandIn, ann: str) -> None:
    tag = Tag()
    tag.set_name("class:A")
    body = NewTagRequestWrapper()
    body.set_tags([tag])
    body.set_ids([int(ann)])
    body.set_over_write(False)
    answer = TagsOperations().add_tags_to_multiple_records("Contacts", body)

    (found,) = answer.get_object().get_data()
    assert found.get_status().get_value() == "success"
    assert zoho.people.shown(ann) == {"tags": "class:A"}


def test_opens_lists_and_closes_a_channel(zoho: StandIn) -> None:
    channel = Notification()
    channel.set_channel_id("7301000000001")
    channel.set_events(["Contacts.all"])
    channel.set_channel_expiry(datetime.now(UTC) + timedelta(days=6))
    channel.set_token("k3Vn0l9QmXb2")
    channel.set_notify_url("http://127.0.0.1:1/hooks")
    channel.set_notify_on_related_action(False)
    body = WatchBody()
    body.set_watch([channel])
    operations = NotificationsOperations()

    (made,) = operations.enable_notifications(body).get_object().get_watch()
    (event,) = made.get_details()["events"]
    assert event.get_channel_expiry() - datetime.now(UTC) > timedelta(days=5)
    query = asked(channel=(GetNotificationsParam.channel_id, 7301000000001))
    (found,) = operations.get_notifications(query).get_object().get_watch()
    assert (found.get_token(), found.get_notify_on_related_action()) == ("k3Vn0l9QmXb2", False)
    gone = asked(channels=(DeleteNotificationParam.channel_ids, "7301000000001"))
    operations.delete_notification(gone)
    assert zoho.channels.live() == []


def test_queries(ann: str, deal: str) -> None:
    body = CoqlBody()
    body.set_select_query(f"select Amount, Stage from Deals where Contact_Name = '{ann}' limit 5")
    answer = CoqlOperations().get_records(body)

    (found,) = answer.get_object().get_data()
    assert (found.get_id(), found.get_key_value("Stage")) == (int(deal), "Closed Won")


def test_begins_and_looks_at_a_bulk_read(zoho: StandIn, ann: str) -> None:
    zoho.bulk.at_once = True
    module = MinifiedModule()
    module.set_api_name("Contacts")
    query = Query()
    query.set_module(module)
    query.set_fields(["Email"])
    body = BulkBody()
    body.set_query(query)
    operations = BulkReadOperations()

    (made,) = operations.create_bulk_read_job(body).get_object().get_data()
    job = made.get_details()["id"]
    (found,) = operations.get_bulk_read_job_details(int(job)).get_object().get_data()
    assert found.get_state().get_value() == "COMPLETED"
    assert found.get_result().get_count() == 1


def test_reads_fields_users_and_currencies(zoho: StandIn) -> None:
    fields = FieldsOperations().get_fields(asked(m=(GetFieldsParam.module, "Deals")))
    stage = next(one for one in fields.get_object().get_fields() if one.get_api_name() == "Stage")
    users = UsersOperations().get_users(asked(t=(GetUsersParam.type, "CurrentUser")), HeaderMap())
    rates = CurrenciesOperations().get_currencies().get_object().get_currencies()

    assert stage.get_pick_list_values()[5].get_forecast_type() == "Closed Won"
    assert users.get_object().get_users()[0].get_email() == "robot@example.com"
    assert {one.get_iso_code(): float(one.get_exchange_rate()) for one in rates} == {
        "USD": 1.0,
        "EUR": 0.8,
    }
