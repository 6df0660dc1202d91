"""What a stand-in HubSpot holds, as facts: a second, naive translation.

It reads the dump of the stand-in and the policy's page, and shares nothing with the product.
``rows_of`` gives the facts that somebody would have who read every value a contact ever had.
"""

from datetime import UTC, datetime

CENTS = 100
STATUS = {"closedwon": "won", "closedlost": "lost"}


def rows_of(dump, page, connection, contact_id):
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
    linked_companies = list(contact["associations"]["companies"])
    linked_deals = list(contact["associations"]["deals"])
    add("links", "links", {"deal": linked_deals, "account": linked_companies}, now)
    for id_ in linked_companies:
        add("account", id_, values(companies[id_], page, "account"), now)
    for id_ in linked_deals:
        add("deal", id_, deal(deals[id_]), now, deals[id_]["updatedAt"])
    for name, attribute in page["attributes"].items():
        if attribute["type"] != "activity":
            continue
        for revision in contact["history"].get(attribute["hubspot"], []):
            if revision["value"]:
                data = {"kind": attribute["activity"]}
                when = revision["value"]
                add("activity", f"{name}@{when}", data, when)
    return rows


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


def deal(record):
    properties = record["properties"]
    data = {"status": STATUS.get(properties["dealstage"], "open")}
    if properties.get("amount"):
        cents = round(float(properties["amount"]) * CENTS)
        data["amount"] = {"amount": cents, "currency": properties["deal_currency_code"]}
    if properties.get("closedate"):
        data["closed_at"] = properties["closedate"]
    return data
