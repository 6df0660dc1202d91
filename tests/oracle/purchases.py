"""What was bought and what went back, one purchase at a time."""

from datetime import UTC, datetime
from fractions import Fraction


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def naive_sales(rows, linked, now):
    """Net sales of up to ``now``: dicts of id, at, amount, currency, credit, share; oldest first.

    ``rows`` are the newest of each fact, ``linked`` the ids of the deals that count, or None.
    """
    bills, backs = sorted_out(rows, linked, now)
    sales = []
    for identity, at, data in bills:
        left = what_is_left(data, [back for back in backs if back.get("purchase") == identity])
        if at <= now and left > 0:
            sales.append(
                {
                    "id": identity,
                    "at": at,
                    "amount": left,
                    "currency": (data.get("value") or data["amount"])["currency"],
                    "credit": data.get("credit") if not identity.startswith("deal:") else None,
                    "share": data.get("share"),
                }
            )
    return sorted(sales, key=lambda sale: (sale["at"], sale["id"]))


def sorted_out(rows, linked, now):
    bills, backs = [], []
    for row in rows:
        data = row["data"]
        amount = data.get("amount")
        if row["type"] == "refund" or is_negative_with_reference(row):
            if instant(row["occurred_at"]) <= now:
                backs.append(data)
        elif row["type"] == "purchase":
            bills.append((row["id"], instant(row["occurred_at"]), data))
        elif is_won(row) and amount and (linked is None or row["id"] in linked):
            bills.append(("deal:" + row["id"], instant(data["closed_at"]), data))
    return once(bills, backs)


def once(bills, backs):
    """Without orders of deals that count themselves, from which their refunds go then."""
    dear = {identity for identity, _, data in bills if identity.startswith("deal:")
            and (data.get("value") or data["amount"])["amount"] > 0}  # fmt: skip
    same = {identity: "deal:" + data["deal"] for identity, _, data in bills
            if not identity.startswith("deal:") and "deal:" + data.get("deal", "") in dear}  # fmt: skip
    bills = [one for one in bills if one[0] not in same]
    return bills, [back | {"purchase": same.get(back.get("purchase"), back.get("purchase"))}
                   for back in backs]  # fmt: skip


def is_negative_with_reference(row):
    data = row["data"]
    return row["type"] == "purchase" and data["amount"]["amount"] < 0 and "purchase" in data


def is_won(row):
    data = row["data"]
    return row["type"] == "deal" and data.get("status") == "won" and data.get("closed_at")


def what_is_left(data, mine):
    worth = data.get("value") or data["amount"]
    left = max(0, worth["amount"])
    on_bill, in_worth = [], []
    for back in mine:
        told = back.get("value") or back["amount"]
        if back["amount"]["currency"] == data["amount"]["currency"]:
            on_bill.append(abs(back["amount"]["amount"]))
        elif told["currency"] == worth["currency"]:
            in_worth.append(abs(told["amount"]))
    if on_bill and data["amount"]["amount"] > 0:
        part = 1 - Fraction(sum(on_bill), data["amount"]["amount"])
        exact = worth["amount"] * max(part, 0) + Fraction(1, 2)
        left = exact.numerator // exact.denominator  # half up
    return left - sum(in_worth)


def naive_doubts(rows, linked, now):
    """What counts for nothing until somebody has looked at it."""
    bills, _ = sorted_out(rows, linked, now)
    doubts = []
    for identity, _, data in bills:
        if (data.get("value") or data["amount"])["amount"] < 0:
            doubts.append("negative_amount:" + identity)
    for row in rows:
        if row["type"] != "refund" and not is_negative_with_reference(row):
            continue
        if instant(row["occurred_at"]) > now:
            continue
        mine = [data for identity, _, data in bills if identity == row["data"].get("purchase")]
        if not mine:
            doubts.append("refund_without_purchase:" + row["id"])
        elif not currencies(mine[0]) & currencies(row["data"]):
            doubts.append("refund_in_another_currency:" + row["id"])
    return doubts


def currencies(data):
    return {data[name]["currency"] for name in ("amount", "value") if name in data}
