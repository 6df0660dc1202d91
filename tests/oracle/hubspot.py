"""What a stand-in HubSpot holds, as facts: a second, naive translation.

It reads the dump of the stand-in and the policy's page, and shares nothing with the product.
``rows_of`` gives the facts that somebody would have who read every value a contact ever had.
"""

from datetime import UTC, datetime
from fractions import Fraction

STATUS = {"closedwon": "won", "closedlost": "lost"}
PLACES = {"IRR": 0, "JPY": 0, "KWD": 3}
SAID_OTHERWISE = {"tickets": "ticket", "feedback_submissions": "survey"}

ERASES = True
"""A privacy deletion is told, and what was known of the person has to go."""


def rows_of(dump, page, connection, contact_id, rates=None):
    """``rates`` are units of the page's currency by currency, such as ``{"EUR": "1.25"}``."""
    contacts = {record["id"]: record for record in dump["contacts"]}
    companies = {record["id"]: record for record in dump["companies"]}
    deals = {record["id"]: record for record in dump["deals"]}
    contact = contacts[contact_id]
    subject = f"{connection}:contact:{contact_id}"
    rows = []

    def add(type_, id_, data, read_at, modified_at=None):
        row = {"subject": subject, "type": type_, "id": id_, "occurred_at": read_at, "data": data}
        rows.append(row | ({"modified_at": modified_at} if modified_at else {}))

    now = datetime.now(UTC).isoformat()
    add("contact", contact_id, values(contact, page, "contact"), now, contact["updatedAt"])
    linked = links_of(contact, page)
    add("links", "links", linked, now)
    for id_ in linked["account"]:
        add("account", id_, values(companies[id_], page, "account"), now)
    for id_ in linked["deal"]:
        data = deal(deals[id_], page["currency"], rates or {})
        add("deal", id_, data, now, deals[id_]["updatedAt"])
    for name, when, data in doings(contact, page):
        add("activity", f"{name}@{when}", data, when)
    return rows


def links_of(contact, page):
    associations = contact["associations"]
    links = {"deal": list(associations["deals"]), "account": list(associations["companies"])}
    for name, kind in SAID_OTHERWISE.items():
        if any(attribute["of"] == kind for attribute in page["attributes"].values()):
            links[kind] = list(associations[name])
    return links


def doings(contact, page):
    found = []
    for name, attribute in page["attributes"].items():
        if attribute["type"] != "activity":
            continue
        kind = attribute["activity"]
        history = contact["history"].get(attribute["hubspot"], [])
        held = [revision["value"] for revision in history if revision["value"]]
        found += [(name, one, {"kind": kind}) for one in held if not is_count(one)]
        found += [(name, when, {"kind": kind, "count": rise}) for when, rise in rises(history)]
    return found


def is_count(text):
    return text.replace(".", "", 1).isdigit()


def rises(history):
    """Of a counter, whose revisions come newest first: when it rose, and by how much."""
    last_of = {}
    for revision in reversed(history):
        last_of[revision["timestamp"]] = revision["value"]
    found, before = [], ""
    for when in sorted(last_of):
        after = last_of[when]
        if is_count(before) and is_count(after) and float(after) - float(before) >= 1:
            found.append((when, int(float(after) - float(before))))
        before = after
    return found


def values(record, page, of):
    found = {}
    for name, attribute in page["attributes"].items():
        if attribute["of"] != of or attribute["type"] == "activity":
            continue
        text = record["properties"].get(attribute["hubspot"], "")
        if text == "":
            continue
        if attribute["type"] == "number":
            found[name] = float(text)
        elif attribute["type"] == "boolean":
            found[name] = text == "true"
        else:
            found[name] = text
    return found


def deal(record, home, rates):
    properties = record["properties"]
    data = {"status": STATUS.get(properties["dealstage"], "open")}
    if properties.get("amount"):
        code = properties["deal_currency_code"]
        amount = Fraction(properties["amount"])
        data["amount"] = {"amount": smallest_units(amount, code), "currency": code}
        if code != home and code in rates:
            worth = amount_worth(amount, code, rates)
            data["value"] = {"amount": smallest_units(worth, home), "currency": home}
    if properties.get("closedate"):
        data["closed_at"] = properties["closedate"]
    return data


def amount_worth(amount, code, rates):
    """Of the amount as it is kept, that is, in whole smallest units."""
    kept = Fraction(smallest_units(amount, code), 10 ** PLACES.get(code, 2))
    return kept * Fraction(str(rates[code]))


def smallest_units(amount, code):
    """Half a unit counts as a whole one, away from zero."""
    scaled = abs(amount) * 10 ** PLACES.get(code, 2)
    whole = int(scaled + Fraction(1, 2))
    return whole if amount >= 0 else -whole


TAGS_WITH_FIELDS = True
"""Tags are a property like any other, and change with them at once."""


def closed_at(instant, _zone):
    """What is known of when a deal was closed: a close date has a time."""
    return instant


def tags_shown(tags):
    """As they are: a property of ours holds them."""
    return sorted(tags)
