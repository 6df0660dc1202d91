"""What a stand-in Zoho holds, as facts: a second, naive translation.

It reads the dump of the stand-in and the policy's page, and shares nothing with the product.
Zoho keeps no earlier values, so of a field that holds the last time of something only that is told.
"""

from datetime import UTC, date, datetime, time
from fractions import Fraction
from zoneinfo import ZoneInfo

STATUS = {"Closed Won": "won", "Closed Lost": "lost"}
PLACES = {"IRR": 0, "JPY": 0, "KWD": 3}
TAG_LENGTH = 25
TAGS_BY_WORTH = ("tier:", "class:", "segment:", "customer:", "product:", "emtiaz:")
MOST_TAGS = 10

ERASES = False
"""A contact that is deleted for good is gone, and nobody was asked to forget the person."""


def rows_of(dump, page, connection, person):
    record = next(one for one in dump["Contacts"] if one["id"] == person)
    now = dump["now"]
    rows = []

    def add(type_, id_, data, at, modified_at=None):
        row = {
            "subject": f"{connection}:contact:{person}",
            "type": type_,
            "id": id_,
            "occurred_at": at,
            "data": data,
        }
        rows.append(row | ({"modified_at": modified_at} if modified_at else {}))

    add("contact", person, values(record, page, "contact"), now, modified(record))
    found = linked(dump, page, record)
    add("links", "links", {kind: [one["id"] for one in some] for kind, some in found.items()}, now)
    for kind, some in found.items():
        for one in some:
            told = deal(one, dump) if kind == "deal" else {}
            add(kind, one["id"], values(one, page, kind) | told, now, modified(one))
    for id_, at, kind in doings(dump, page, record):
        add("activity", id_, {"kind": kind}, at)
    return rows


def linked(dump, page, record):
    """The living records of each kind that a contact has."""
    found = {
        "deal": [one for one in living(dump, "Deals") if leads_to(one, "Contact_Name", record)]
    }
    if is_read(page, "account"):
        found["account"] = [
            one for one in living(dump, "Accounts") if leads_to(record, "Account_Name", one)
        ]
    if is_read(page, "ticket"):
        found["ticket"] = [
            one for one in living(dump, "Cases") if leads_to(one, "Related_To", record)
        ]
    return found


def is_read(page, kind):
    return any(one["of"] == kind and "zoho" in one for one in page["attributes"].values())


def living(dump, module):
    return [one for one in dump[module] if "$deleted" not in one]


def leads_to(record, lookup, other):
    return (record.get(lookup) or {}).get("id") == other["id"]


def doings(dump, page, record):
    for attribute in page["attributes"].values():
        if attribute["type"] != "activity" or "zoho" not in attribute:
            continue
        module, _, field = attribute["zoho"].rpartition(".")
        if not module:
            if at := record.get(field):
                yield f"{field}@{utc(at)}", utc(at), attribute["activity"]
            continue
        for one in living(dump, module):
            if leads_to(one, "Who_Id", record) and one.get(field):
                yield f"{module}:{one['id']}", utc(one[field]), attribute["activity"]


def values(record, page, of):
    found = {}
    for name, attribute in page["attributes"].items():
        if attribute["of"] != of or attribute["type"] == "activity" or "zoho" not in attribute:
            continue
        value = record.get(attribute["zoho"])
        if value in (None, ""):
            continue
        found[name] = float(value) if attribute["type"] == "number" else value
    return found


def deal(record, dump):
    stages = next(one for one in dump["fields"]["Deals"] if one["api_name"] == "Stage")
    forecast = {
        name: one["forecast_type"]
        for one in stages["pick_list_values"]
        for name in (one["display_value"], one["actual_value"])
    }
    data = {"status": STATUS.get(forecast.get(record["Stage"]), "open")}
    if record.get("Amount") is not None:
        code = record.get("Currency") or dump["currency"]
        amount = Fraction(str(record["Amount"]))
        data["amount"] = {"amount": smallest_units(amount, code), "currency": code}
        if code != dump["currency"]:
            kept = Fraction(smallest_units(amount, code), 10 ** PLACES.get(code, 2))
            worth = smallest_units(kept / Fraction(dump["rates"][code]), dump["currency"])
            data["value"] = {"amount": worth, "currency": dump["currency"]}
    if record.get("Closing_Date"):
        begins = midnight(record["Closing_Date"], dump["time_zone"])
        data["closed_at"] = min(begins, modified(record), key=datetime.fromisoformat)
    return data


def smallest_units(amount, code):
    """Half a unit counts as a whole one, away from zero."""
    whole = int(abs(amount) * 10 ** PLACES.get(code, 2) + Fraction(1, 2))
    return whole if amount >= 0 else -whole


def midnight(day, zone):
    """A closing date is a day without a time."""
    return datetime.combine(date.fromisoformat(day), time.min, ZoneInfo(zone)).isoformat()


def modified(record):
    return utc(record["Modified_Time"])


def utc(text):
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


TAGS_WITH_FIELDS = False
"""Old tags are removed, then new ones added, and fields have a call of their own."""


def closed_at(instant, zone):
    """What is known of when a deal was closed: the day."""
    return datetime.combine(instant.astimezone(ZoneInfo(zone)).date(), time.min, ZoneInfo(zone))


def tags_shown(tags):
    """As real tags of Zoho: short and few, and ours told from those of reps."""
    named = [one if one.startswith(TAGS_BY_WORTH) else f"emtiaz:{one}" for one in tags]
    cut = {one[:TAG_LENGTH].rstrip() for one in named}
    worth = {prefix: rank for rank, prefix in enumerate(TAGS_BY_WORTH)}
    ranked = sorted(cut, key=lambda one: (worth[one.partition(":")[0] + ":"], one))
    return sorted(ranked[:MOST_TAGS])
