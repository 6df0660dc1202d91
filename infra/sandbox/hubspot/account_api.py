"""Pipelines, account details and currencies over HTTP."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import EPOCH, spell
from infra.sandbox.hubspot.errors import not_found
from infra.sandbox.hubspot.pipelines import PIPELINES, Pipeline
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import ObjectType


class AccountApi:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def blueprint(self) -> Blueprint:
        api = Blueprint("account", __name__)
        pipelines = "/crm/pipelines/<version:version>/<kind:kind>"
        api.get(pipelines)(self.list_pipelines)
        api.get(f"{pipelines}/<pipeline_id>")(self.read_pipeline)
        api.get("/account-info/<version:version>/details")(self.read_details)
        currencies = "/settings/currencies/<version:version>"
        api.get(f"{currencies}/exchange-rates/current")(self.list_exchange_rates)
        api.get(f"{currencies}/company-currency")(self.read_company_currency)
        return api

    def list_pipelines(self, kind: ObjectType) -> Wire:
        return {"results": [_pipeline(kind, one.id) for one in PIPELINES.get(kind, ())]}

    def read_pipeline(self, kind: ObjectType, pipeline_id: str) -> Wire:
        return _pipeline(kind, pipeline_id)

    def read_details(self) -> Wire:
        return _details(self._portal)

    def list_exchange_rates(self) -> Wire:
        return {"results": [one.to_json() for one in self._portal.currencies.current()]}

    def read_company_currency(self) -> Wire:
        return {"id": self._portal.currencies.home, "createdAt": spell(EPOCH)}


def _pipeline(kind: ObjectType, pipeline_id: str) -> Wire:
    found: list[tuple[int, Pipeline]] = [
        (order, one) for order, one in enumerate(PIPELINES.get(kind, ())) if one.id == pipeline_id
    ]
    if not found:
        raise not_found(f"Pipeline {pipeline_id} does not exist for {kind.name}")
    order, pipeline = found[0]
    return pipeline.to_json(order)


def _details(portal: Portal) -> Wire:
    settings = portal.settings
    offset = portal.now().astimezone(ZoneInfo(settings.time_zone)).utcoffset() or timedelta()
    return {
        "portalId": settings.portal_id,
        "accountType": "DEVELOPER_TEST",
        "timeZone": settings.time_zone,
        "companyCurrency": portal.currencies.home,
        "additionalCurrencies": list(portal.currencies.additional),
        "utcOffset": _clock_face(offset),
        "utcOffsetMilliseconds": offset // timedelta(milliseconds=1),
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "eu1",
    }


def _clock_face(offset: timedelta) -> str:
    """The offset as a clock shows it.

    >>> _clock_face(timedelta(hours=3, minutes=30)), _clock_face(-timedelta(hours=5))
    ('+03:30', '-05:00')
    """
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"
