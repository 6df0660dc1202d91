"""Pipelines and account details over HTTP."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint

from infra.sandbox.hubspot.errors import Wire, not_found
from infra.sandbox.hubspot.pipelines import PIPELINES, Pipeline
from infra.sandbox.hubspot.portal import Portal
from infra.sandbox.hubspot.records import DEALS, ObjectType


class AccountApi:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def blueprint(self) -> Blueprint:
        api = Blueprint("account", __name__)
        pipelines = "/crm/pipelines/<version:version>/<kind:kind>"
        api.get(pipelines)(self.list_pipelines)
        api.get(f"{pipelines}/<pipeline_id>")(self.read_pipeline)
        api.get("/account-info/<version:version>/details")(self.read_details)
        return api

    def list_pipelines(self, kind: ObjectType) -> Wire:
        return {"results": [_pipeline(kind, one.id) for one in PIPELINES if kind is DEALS]}

    def read_pipeline(self, kind: ObjectType, pipeline_id: str) -> Wire:
        return _pipeline(kind, pipeline_id)

    def read_details(self) -> Wire:
        return _details(self._portal)


def _pipeline(kind: ObjectType, pipeline_id: str) -> Wire:
    found: list[tuple[int, Pipeline]] = [
        (order, one) for order, one in enumerate(PIPELINES) if one.id == pipeline_id
    ]
    if kind is not DEALS or not found:
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
        "companyCurrency": settings.currency,
        "additionalCurrencies": list(settings.additional_currencies),
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
