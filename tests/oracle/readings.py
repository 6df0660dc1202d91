"""What the facts of one subject say: its newest rows, attributes, activities and purchases."""

import json
from datetime import UTC, datetime
from decimal import Decimal

from tests.oracle.lead import once_each
from tests.oracle.pipeline_value import period_of
from tests.oracle.purchases import naive_sales
from tests.oracle.rfm import DECIMALS


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def newest_rows(facts, subject):
    """Only this subject's; of each state the newest version; each activity once."""
    kept = {}
    for row in facts:
        if row["subject"] != subject:
            continue
        identity = (row["type"], row["id"])
        if row["type"] == "activity":
            identity = (*identity, instant(row["occurred_at"]))
        if row["type"] == "links":
            identity = ("links",)
        age = (
            instant(row.get("modified_at") or row["occurred_at"]),
            instant(row["occurred_at"]),
            json.dumps(row["data"], sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        )
        if identity not in kept or age > kept[identity][0]:
            kept[identity] = (age, row)
    return [row for _, row in kept.values()]


def links(rows):
    for row in rows:
        if row["type"] == "links":
            return row["data"]
    return None


def find_attributes(rows, subject):
    _, kind, identity = subject.split(":", 2)
    own = {}
    for row in rows:
        if row["type"] == kind and row["id"] == identity:
            own = dict(row["data"])
    accounts = {row["id"]: row["data"] for row in rows if row["type"] == "account"}
    order = sorted(accounts) if links(rows) is None else links(rows).get("account", [])
    account = {}
    for name in order:
        if name in accounts:
            account = accounts[name]
            break
    if kind == "account":
        account = own
    everything = dict(own)
    for name, value in account.items():
        everything["account." + name] = value
    return everything


def story_of(page, rows, people, now):
    """What happened, as conditions ask for it; see ``tests.oracle.happenings``."""
    story = {"period": period_of(page), "purchase": [], "ticket": [], "survey": []}
    for one in people:
        told = {"at": one["at"], "count": one["count"], "attributes": one["data"]}
        story.setdefault(one["kind"], []).append(told)
    for sale in naive_sales(
        rows, None if links(rows) is None else links(rows).get("deal", []), now
    ):
        if sale["credit"] is None:
            bill = bought_as(page, rows, sale)
            story["purchase"].append({"at": sale["at"], "count": 1, "attributes": bill})
    for kind, when in (("ticket", "opened_at"), ("survey", "answered_at")):
        for row in linked_rows(rows, kind):
            told = {"at": instant(row["data"][when]), "count": 1, "attributes": row["data"]}
            story[kind].append(told)
    return story


def bought_as(page, rows, sale):
    """What the order or the deal says of itself, its kinds of product and its net sum."""
    kind, identity = (
        ("deal", sale["id"][5:]) if sale["id"].startswith("deal:") else ("purchase", sale["id"])
    )
    said = next(row["data"] for row in rows if row["type"] == kind and row["id"] == identity)
    items = [
        row["data"] for row in linked_rows(rows, "line_item") if row["data"]["deal_id"] == identity
    ]
    kinds = [item.get("category") or item.get("product", {}).get("type") for item in items]
    sold = {"category": [one for one in kinds if one]} if any(kinds) else {}
    major = Decimal(sale["amount"]).scaleb(-DECIMALS.get(page["currency"], 2))
    known = sale["currency"] == page["currency"]
    return {**said, **sold, "amount": str(major) if known else None}


def linked_rows(rows, kind):
    linked = links(rows)
    found = [row for row in rows if row["type"] == kind]
    return [row for row in found if linked is None or row["id"] in linked.get(kind, [])]


def find_activities(rows, now):
    found = []
    for row in rows:
        if row["type"] == "activity":
            count = row["data"].get("count", 1)
            found.append({"at": instant(row["occurred_at"]), "id": row["id"],
                          "kind": row["data"]["kind"], "count": count, "data": row["data"]})  # fmt: skip
    return [one for one in once_each(found) if one["count"] > 0 and one["at"] <= now]


def linked_deals(rows):
    linked = links(rows)
    deals = [row for row in rows if row["type"] == "deal"]
    return [row["data"] for row in deals
            if linked is None or row["id"] in linked.get("deal", [])]  # fmt: skip


def find_purchases(rows, now):
    linked = links(rows)
    sales = naive_sales(rows, None if linked is None else linked.get("deal", []), now)
    own = [sale for sale in sales if sale["credit"] is None]
    return [(sale["at"], sale["amount"], sale["currency"]) for sale in own]
