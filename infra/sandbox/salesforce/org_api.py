"""What an org says of itself: versions, limits, features."""

from __future__ import annotations

from flask import Blueprint, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.daily_quota import DailyQuota
from infra.sandbox.salesforce.gate import root
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.settings import FLOOR, INTEGRATION_USER, LATEST


class OrgApi:
    def __init__(self, org: Org, quota: DailyQuota) -> None:
        self._org = org
        self._quota = quota

    def blueprint(self) -> Blueprint:
        api = Blueprint("org", __name__)
        api.get("")(self.resources)
        api.get("/limits")(self.limits)
        api.get("/connect/organization")(self.organization)
        return api

    def open_blueprint(self) -> Blueprint:
        api = Blueprint("versions", __name__)
        api.get("/services/data")(self.versions)
        return api

    def versions(self) -> list[Wire]:
        return [
            {"label": f"v{one}", "url": f"/services/data/v{one}.0", "version": f"{one}.0"}
            for one in range(FLOOR, LATEST + 1)
        ]

    def resources(self) -> Wire:
        names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
        identity = f"{request.host_url}id/{self._org.settings.org_id}/{INTEGRATION_USER}"
        return {name: f"{root()}/{name}" for name in names} | {"identity": identity}

    def limits(self) -> Wire:
        """Those that a connector obeys, the others left out."""
        return {"DailyApiRequests": self._quota.to_json()}

    def organization(self) -> Wire:
        settings = self._org.settings
        return {
            "orgId": settings.org_id,
            "name": settings.name,
            "features": {
                "defaultCurrencyIsoCode": settings.currency,
                "multiCurrency": bool(settings.rates),
            },
            "userSettings": {
                "userId": INTEGRATION_USER,
                "timeZone": {"name": settings.time_zone},
            },
        }
