"""A naive second way to preferred categories, and to what goes with what was bought."""

from datetime import timedelta

from tests.oracle.lead import instant
from tests.oracle.purchases import naive_sales
from tests.oracle.readings import links


def naive_shares(rows, categories):
    """``rows`` are ``(category, age in days, weight)``; of each category with something in it."""
    sums = {}
    for category, age, weight in rows:
        sums[category] = sums.get(category, 0) + weight * 0.5 ** (age / 90)
    total = sum(sums.values())
    return {one: (x + 0.5) / (total + 0.5 * categories) for one, x in sums.items()}


def naive_preferences(page, known, now):
    """Tags that are earned, those that may stay, and shares as multiples of an even one."""
    categories = page.get("products", {}).get("categories", [])
    rows = [(what, (now - at) / timedelta(days=1), weight)
            for what, at, weight in doings(page, known, now) if what in categories]  # fmt: skip
    shares = naive_shares(rows, len(categories))
    often = [one for one in shares if len([row for row in rows if row[0] == one]) >= 3]
    multiples = {one: shares[one] * len(categories) for one in often}
    preferred = sorted(f"product:{one}" for one in often if multiples[one] >= 2)
    staying = sorted(f"product:{one}" for one in often if multiples[one] >= 1.5)
    return preferred, staying, list(multiples.values())


def doings(page, known, now):
    categories = page.get("products", {}).get("categories", [])
    bought = [one[1:] for one in net_sales_by_category(known, now)
              if one[0] == page["currency"] and one[1] in categories]  # fmt: skip
    mean = sum(value for _, _, value in bought) / len(bought) if bought else 1
    weighed = [(what, at, value / mean) for what, at, value in bought]
    for one in known["people"]:
        if one["kind"] == "page.viewed":
            weighed += [(one["data"].get("category"), one["at"], 0.1)] * one["count"]
    return weighed


def net_sales_by_category(known, now):
    """Currency, category, time and value of what was bought and not brought back."""
    linked = links(known["rows"])
    sales = naive_sales(known["rows"], None if linked is None else linked.get("deal", []), now)
    kept = {sale["id"]: sale["amount"] for sale in sales if sale["credit"] is None}
    found = []
    for row in known["rows"]:
        data = row["data"]
        if row["type"] == "purchase" and row["id"] in kept and "credit" not in data:
            for category, part in kinds(data):
                left = kept[row["id"]] * part
                found.append((row, category, instant(row["occurred_at"]), left))
        is_linked = linked is None or row["id"] in linked.get("line_item", [])
        if row["type"] == "line_item" and is_linked and worth(data)["amount"] > 0:
            deal = won_deal(known["rows"], data["deal_id"], linked, now)
            part = share_kept(deal, kept) if deal else 0
            if part > 0:
                closed = instant(deal["data"]["closed_at"])
                found.append((row, category_of(data), closed, worth(data)["amount"] * part))
    return [(worth(row["data"])["currency"], *rest) for row, *rest in found]


def kinds(order):
    """What an order was of, and how much of it was that."""
    if "category" in order or "lines" not in order:
        return [(order.get("category"), 1)]
    paid = [(category_of(line), max(line["amount"]["amount"], 0)) for line in order["lines"]]
    total = sum(amount for _, amount in paid)
    return [(category, amount / total) for category, amount in paid if amount > 0]


def worth(data):
    return data.get("value") or data.get("amount") or {"amount": 0, "currency": None}


def won_deal(rows, identity, linked, now):
    for row in rows:
        if row["type"] == "deal" and row["id"] == identity:
            data = row["data"]
            is_linked = linked is None or identity in linked.get("deal", [])
            if is_linked and data["status"] == "won" and data.get("closed_at"):
                return row if instant(data["closed_at"]) <= now else None
    return None


def share_kept(deal, kept):
    """What is left of a deal after refunds; of one that tells no sum all is."""
    if worth(deal["data"])["currency"] is None:
        return 1
    whole = worth(deal["data"])["amount"]
    return kept.get("deal:" + deal["id"], 0) / whole if whole > 0 else 0


def category_of(data):
    if "category" in data:
        return data["category"]
    return data.get("product", {}).get("type")


def naive_suggestion(page, known, now):
    pairs = known["fitted"].get("cross_sell", {}).get("goes_with", {})
    categories = page.get("products", {}).get("categories", [])
    has = {one[1] for one in net_sales_by_category(known, now)} & set(categories)
    offers = []
    for given in has:
        for category, lift, bound in pairs.get(given, []):
            if category in categories and category not in has:
                offers.append((-bound, category, given, lift))
    if not offers:
        return None
    bound, category, given, lift = min(offers)
    return {"category": category, "given": given, "lift": lift, "at_least": -bound}
