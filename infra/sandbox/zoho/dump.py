"""All that an organisation holds, in Zoho's own words."""

from __future__ import annotations

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.instants import spell
from infra.sandbox.zoho.modules import MODULES, Module
from infra.sandbox.zoho.organisation import Organisation
from infra.sandbox.zoho.records import Record
from infra.sandbox.zoho.wire import whole


def dump(org: Organisation) -> Wire:
    """``{"Contacts": [record, …], …, "fields": {"Contacts": [field, …], …}, "rates": {…},
    "currency": …, "time_zone": …, "now": …}``.

    A deleted record has ``$deleted``: ``recycle`` or ``permanent``.
    """
    with org.lock:
        return {
            **{name: _records(org, module) for name, module in MODULES.items()},
            "fields": {name: _fields(org, module) for name, module in MODULES.items()},
            "rates": dict(org.rates),
            "currency": org.settings.currency,
            "time_zone": org.settings.time_zone,
            "now": spell(org.now(), "UTC"),
        }


def _records(org: Organisation, module: Module) -> list[Wire]:
    return [whole(org, one) | _deleted(org, one) for one in org.every(module)]


def _deleted(org: Organisation, record: Record) -> Wire:
    return {"$deleted": record.deletion.kind(org.now())} if record.deletion else {}


def _fields(org: Organisation, module: Module) -> list[Wire]:
    return [one.to_json() for one in org.schema.fields(module).values()]
