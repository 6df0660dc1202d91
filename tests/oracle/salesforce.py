"""What a stand-in Salesforce holds, as facts: a second, naive translation.

It reads the dump of the stand-in and the policy's page, and shares nothing with the product.
Of a field that holds the last time of something only the present value is told; calls, mails,
meetings and responses are records, each of which is one activity.
"""

from datetime import UTC, date, datetime, time
from fractions import Fraction
from zoneinfo import ZoneInfo

PLACES = {"IRR": 0, "JPY": 0, "KWD": 3}
TASKS = ("Call", "Email", "Task")

ERASES = False
"""What has left the recycle bin is gone, and nobody was asked to forget the person."""

TAGS_WITH_FIELDS = True
"""Tags are a field like any other, and change with them at once."""


def rows_of(dump, page, connection, person):
    record = next(one for one in dump["Contact"] if one["Id"] == person)
    now = datetime.now(UTC).isoformat()
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

    add("contact", person, values(record, page, "contact"), now, stamp(record))
    found = linked(dump, page, record)
    add("links", "links", {kind: sorted(some) for kind, some in found.items()}, now)
    for kind, some in found.items():
        for id_, one in some.items():
            told = deal(one, dump["settings"]) if kind == "deal" else {}
            add(kind, id_, values(one, page, kind) | told, now, stamp(one))
    for id_, at, kind in doings(dump, page, record):
        if datetime.fromisoformat(at) <= datetime.fromisoformat(now):
            add("activity", id_, {"kind": kind}, at)
    return rows


def linked(dump, page, record):
    """The living records of each kind that a contact has, by id."""
    roles = living(dump, "OpportunityContactRole")
    in_role = {one["OpportunityId"] for one in roles if one["ContactId"] == record["Id"]}
    found = {"deal": [one for one in living(dump, "Opportunity") if one["Id"] in in_role]}
    if is_read(page, "account"):
        accounts = living(dump, "Account")
        found["account"] = [one for one in accounts if one["Id"] == record.get("AccountId")]
    if is_read(page, "ticket"):
        cases = living(dump, "Case")
        found["ticket"] = [one for one in cases if one.get("ContactId") == record["Id"]]
    return {kind: {one["Id"]: one for one in some} for kind, some in found.items()}


def is_read(page, kind):
    return any(one["of"] == kind and "salesforce" in one for one in page["attributes"].values())


def living(dump, kind):
    return [one for one in dump[kind] if not one["IsDeleted"]]


def doings(dump, page, record):
    for attribute in page["attributes"].values():
        if attribute["type"] != "activity" or "salesforce" not in attribute:
            continue
        kind, _, field = attribute["salesforce"].rpartition(".")
        if not kind:
            if value := record.get(field):
                at = instant(value, dump["settings"]["time_zone"])
                yield f"{field}@{at}", at, attribute["activity"]
            continue
        for one in done(dump, kind, record["Id"]):
            if value := one.get(field):
                at = instant(value, dump["settings"]["time_zone"])
                yield f"{kind}:{one['Id']}", at, attribute["activity"]


def done(dump, kind, person):
    if kind in TASKS:
        tasks = living(dump, "Task")
        return [one for one in tasks if (one.get("WhoId"), one["TaskSubtype"]) == (person, kind)]
    if kind == "Event":
        return [one for one in living(dump, "Event") if one.get("WhoId") == person]
    members = living(dump, "CampaignMember")
    return [one for one in members if one.get("ContactId") == person and one["HasResponded"]]


def values(record, page, of):
    found = {}
    for name, attribute in page["attributes"].items():
        if attribute["of"] != of or attribute["type"] == "activity":
            continue
        value = record.get(attribute.get("salesforce"))
        if value in (None, ""):
            continue
        found[name] = float(value) if attribute["type"] == "number" else value
    return found


def deal(record, settings):
    data = {"status": "won" if record["IsWon"] else "lost" if record["IsClosed"] else "open"}
    if record.get("Amount") is not None:
        code = record.get("CurrencyIsoCode") or settings["currency"]
        amount = Fraction(str(record["Amount"]))
        data["amount"] = {"amount": smallest_units(amount, code), "currency": code}
        if code != settings["currency"]:
            kept = Fraction(smallest_units(amount, code), 10 ** PLACES.get(code, 2))
            worth = kept / Fraction(settings["rates"][code])
            home = settings["currency"]
            data["value"] = {"amount": smallest_units(worth, home), "currency": home}
    if record["IsClosed"] and record.get("CloseDate"):
        begins = instant(record["CloseDate"], settings["time_zone"])
        modified = instant(record["LastModifiedDate"], settings["time_zone"])
        data["closed_at"] = min(begins, modified, key=datetime.fromisoformat)
    return data


def smallest_units(amount, code):
    """Half a unit counts as a whole one, away from zero."""
    whole = int(abs(amount) * 10 ** PLACES.get(code, 2) + Fraction(1, 2))
    return whole if amount >= 0 else -whole


def instant(text, zone):
    """Of a day the instant at which it begins."""
    if len(text) == len("2026-11-01"):
        begins = datetime.combine(date.fromisoformat(text), time.min, ZoneInfo(zone))
        return begins.astimezone(UTC).isoformat()
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def stamp(record):
    return instant(record["SystemModstamp"], "UTC")


def closed_at(at, zone):
    """What is known of when a deal was closed: the day."""
    return datetime.combine(at.astimezone(ZoneInfo(zone)).date(), time.min, ZoneInfo(zone))


def tags_shown(tags):
    """As they are: a field of ours takes several."""
    return sorted(tags)
