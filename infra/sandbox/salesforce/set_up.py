"""What an org has before anybody works in it: its name, its users, its stages, its currencies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.settings import ADMIN, INTEGRATION_USER, REP, Settings
from infra.sandbox.salesforce.standard_people import LEAD_STATUSES
from infra.sandbox.salesforce.standard_sales import STAGES

if TYPE_CHECKING:
    from infra.sandbox.salesforce.org import Org

USERS = {
    INTEGRATION_USER: ("Emtiaz", "Integration"),
    REP: ("Robin", "Rep"),
    ADMIN: ("Ada", "Admin"),
}


def install(org: Org) -> None:
    at = org.today()
    for object_name, given_id, values in _everything(org.settings):
        record_id = given_id or org.numbering.next(org.schema.object(object_name).prefix)
        values |= {"Id": record_id, "IsDeleted": False, "CreatedDate": at, "SystemModstamp": at}
        record = Record(object_name, record_id, values)
        org.records(object_name)[record_id] = record


def _everything(settings: Settings) -> Iterator[tuple[str, str, dict[str, Value]]]:
    """Objects, ids where they are given, and values."""
    yield "Organization", settings.org_id, {
        "Name": settings.name, "OrganizationType": "Enterprise Edition", "IsSandbox": False,
        "TimeZoneSidKey": settings.time_zone, "LanguageLocaleKey": "en_US",
        "InstanceName": "STAND",
    }  # fmt: skip
    for user, (first, last) in USERS.items():
        username = settings.client.username if user == INTEGRATION_USER else f"{first}@example.com"
        yield "User", user, {
            "Username": username, "FirstName": first, "LastName": last, "Name": f"{first} {last}",
            "Email": username, "IsActive": True, "TimeZoneSidKey": settings.time_zone,
        }  # fmt: skip
    for order, stage in enumerate(STAGES, 1):
        yield "OpportunityStage", "", {
            "ApiName": stage.name, "MasterLabel": stage.name, "SortOrder": order, "IsActive": True,
            "IsClosed": stage.is_closed, "IsWon": stage.is_won,
            "DefaultProbability": stage.probability, "ForecastCategoryName": stage.forecast,
        }  # fmt: skip
    for order, (status, is_converted) in enumerate(LEAD_STATUSES.items(), 1):
        yield "LeadStatus", "", {
            "ApiName": status, "MasterLabel": status, "SortOrder": order,
            "IsConverted": is_converted, "IsDefault": order == 1,
        }  # fmt: skip
    yield from _currencies(settings)


def _currencies(settings: Settings) -> Iterator[tuple[str, str, dict[str, Value]]]:
    if not settings.rates:
        return
    for code, rate in {settings.currency: "1", **settings.rates}.items():
        yield "CurrencyType", "", {
            "IsoCode": code, "ConversionRate": float(rate), "DecimalPlaces": 2, "IsActive": True,
            "IsCorporate": code == settings.currency,
        }  # fmt: skip
