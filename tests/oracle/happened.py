"""Where and when a loyalty programme sees things happen, and what it sees of them."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from zoneinfo import ZoneInfo

from persiantools.jdatetime import JalaliDate

from tests.oracle.lead import once_each
from tests.oracle.purchases import is_negative_with_reference, is_won
from tests.oracle.readings import linked_rows
from tests.oracle.rfm import DECIMALS

FAR = datetime(9000, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def exact(number):
    return Fraction(str(number))


# --- where and when --------------------------------------------------------------------------


class Place:
    """Zone, calendar and currency of a page."""

    def __init__(self, zone="Asia/Tehran", calendar="jalali", currency="IRR"):
        self.zone, self.calendar, self.currency = ZoneInfo(zone), calendar, currency
        self.unit = 10 ** DECIMALS.get(currency, 2)

    def day(self, at):
        return at.astimezone(self.zone).date()

    def midnight(self, day):
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def bounds(self, at, period, calendar=None):
        """The first instant of the period that ``at`` lies in, and of the next."""
        first, last = bounds_of_day(self.day(at), period, calendar or self.calendar)
        return self.midnight(first), self.midnight(last)

    def is_in(self, at, row):
        """Whether a campaign with its first and last day is on."""
        day = self.day(at)
        begun = "from" not in row or day_named(row["from"]) <= day
        return begun and ("until" not in row or day <= day_named(row["until"]))


IRAN = Place()


def day_named(text):
    year, month, day = map(int, text.split("-"))
    return JalaliDate(year, month, day).to_gregorian() if year < 1900 else date(year, month, day)


@cache
def bounds_of_day(day, period, calendar):
    def name(one):
        if period == "week":  # which begins on Saturday or on Monday
            return (one.toordinal() + (1 if calendar == "jalali" else -1)) // 7
        told = JalaliDate(one) if calendar == "jalali" else one
        return {
            "year": (told.year,),
            "quarter": (told.year, (told.month - 1) // 3),
            "month": (told.year, told.month),
        }[period]

    first = last = day
    while name(first - timedelta(days=1)) == name(day):
        first -= timedelta(days=1)
    while name(last) == name(day):
        last += timedelta(days=1)
    return first, last


def death(rule, at, place):
    """By a section ``expiry``; None for what nobody knows yet, or never."""
    kind = rule["kind"]
    if kind == "days":
        end = at + timedelta(days=rule["days"])
        if rule.get("round") == "exact":
            return end
        return place.midnight(place.day(end) + timedelta(days=1))
    if kind in ("end_of_month", "end_of_year"):
        for _ in range(rule.get("periods", 1)):
            at = place.bounds(at, kind.removeprefix("end_of_"), rule.get("calendar"))[1]
        return at
    return None


# --- what happened ---------------------------------------------------------------------------


def happened(rows, place):
    """``rows`` are the newest of each fact. In the order of time, also what lies ahead."""
    found = [*activities(rows), *cases(rows), *answers(rows), *sales(rows, place), *backs(rows)]
    return sorted(found, key=lambda one: (one["at"], one["rank"], one["source"]))


def activities(rows):
    told = [
        {"at": instant(row["occurred_at"]), "id": row["id"], **row["data"], "said": row["data"]}
        for row in rows
        if row["type"] == "activity"
    ]
    for one in once_each(told):
        if one.get("count", 1) > 0:
            yield happening(one["at"], 0, one["kind"], one["id"], one["said"])


def cases(rows):
    for row in linked_rows(rows, "ticket"):
        if row["data"].get("status") == "closed" and row["data"].get("closed_at"):
            yield happening(instant(row["data"]["closed_at"]), 0, "ticket", row["id"], row["data"])


def answers(rows):
    for row in linked_rows(rows, "survey"):
        at = instant(row["data"].get("answered_at") or row["occurred_at"])
        yield happening(at, 0, "survey", row["id"], row["data"])


def sales(rows, place):
    for row in rows:
        data, is_sale = row["data"], not is_negative_with_reference(row)
        if row["type"] == "purchase" and is_sale and "credit" not in data:
            yield bought(instant(row["occurred_at"]), row["id"], data, data.get("lines", []), place)
    for row in linked_rows(rows, "deal"):
        if is_won(row) and (row["data"].get("value") or row["data"].get("amount")):
            items = linked_rows(rows, "line_item")
            sold = [item["data"] for item in items if item["data"]["deal_id"] == row["id"]]
            at = instant(row["data"]["closed_at"])
            yield bought(at, f"deal:{row['id']}", row["data"], sold, place)


def bought(at, identity, data, sold, place):
    """With what conditions may ask of the whole order, and of each line of it."""
    worth, lines, kinds = data.get("value") or data["amount"], [], []
    for line in sold:
        if line["amount"]["amount"] > 0:
            kind = line.get("category") or line.get("product", {}).get("type")
            kinds += [kind] if kind else []
            own = {name: value for name, value in line.items() if name != "amount"}
            lines.append((own | ({"category": kind} if kind else {}), line["amount"]["amount"]))
    major = str(Decimal(worth["amount"]).scaleb(-DECIMALS.get(worth["currency"], 2)))
    asked = data | {"amount": major if worth["currency"] == place.currency else None}
    asked |= {"category": kinds} if kinds and "category" not in data else {}
    lines = [(asked | line, weight) for line, weight in lines] or [(asked, 1)]
    return happening(at, 1, "purchase", identity, data) | {"said": asked, "lines": lines}


def backs(rows):
    for row in rows:
        if row["type"] == "refund" or is_negative_with_reference(row):
            yield happening(instant(row["occurred_at"]), 2, "refund", row["id"], row["data"])


def happening(at, rank, kind, identity, data):
    """``said`` is what conditions may ask of it."""
    return {"at": at, "rank": rank, "kind": kind, "id": identity, "source": f"{kind}:{identity}",
            "count": data.get("count", 1) if rank == 0 else 1, "data": data, "said": data}  # fmt: skip
