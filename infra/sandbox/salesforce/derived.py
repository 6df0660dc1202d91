"""What Salesforce itself fills in when a record is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.standard_sales import (
    ACTIVATED,
    CLOSED_CASES,
    COMPLETED,
    RESPONDED,
    STAGES,
)

Values = Mapping[str, Value]
Rule = Callable[[Values, Values, datetime], dict[str, Value]]
"""Of the values before, those that are written and the present, what is written besides."""

_STAGES = {one.name: one for one in STAGES}


def completed(object_name: str, before: Values, written: Values, now: datetime) -> dict[str, Value]:
    """What is written, with all that follows from it."""
    rule = _RULES.get(object_name)
    return dict(written) | (rule(before, written, now) if rule else {})


def _person(before: Values, written: Values, _: datetime) -> dict[str, Value]:
    after = {**before, **written}
    parts = (after.get("FirstName"), after.get("LastName"))
    return {"Name": " ".join(str(part) for part in parts if part) or None}


def _account(before: Values, written: Values, _: datetime) -> dict[str, Value]:
    """A company has its own name, a person account that of the person."""
    after = {**before, **written}
    return _person(before, written, _) if after.get("LastName") else {}


def _opportunity(before: Values, written: Values, now: datetime) -> dict[str, Value]:
    more: dict[str, Value] = {}
    if "StageName" in written and written["StageName"] != before.get("StageName"):
        more |= _staged(written, now, is_new="StageName" not in before)
    after = {**before, **written, **more}
    if before.get("HasOpportunityLineItem") and "Amount" in written:
        after["Amount"] = more["Amount"] = before.get("Amount")  # the sum of its products
    amount, chance = after.get("Amount"), after.get("Probability")
    if isinstance(amount, float) and isinstance(chance, float):
        more["ExpectedRevenue"] = amount * chance / 100
    return more


def _staged(written: Values, now: datetime, *, is_new: bool) -> dict[str, Value]:
    stage = _STAGES.get(str(written["StageName"]))
    if stage is None:
        return {"IsClosed": False, "IsWon": False}
    return {
        "IsClosed": stage.is_closed,
        "IsWon": stage.is_won,
        "Probability": written.get("Probability", stage.probability),
        "ForecastCategoryName": written.get("ForecastCategoryName", stage.forecast),
        "LastStageChangeDate": None if is_new else now,
    }


def _case(before: Values, written: Values, now: datetime) -> dict[str, Value]:
    if "Status" not in written:
        return {}
    is_closed = written["Status"] in CLOSED_CASES
    closed = (before.get("ClosedDate") or now) if is_closed else None
    return {"IsClosed": is_closed, "ClosedDate": closed}


def _task(before: Values, written: Values, now: datetime) -> dict[str, Value]:
    if "Status" not in written:
        return {}
    is_closed = written["Status"] in COMPLETED
    done = written.get("CompletedDateTime") or before.get("CompletedDateTime") or now
    return {"IsClosed": is_closed, "CompletedDateTime": done if is_closed else None}


def _event(before: Values, written: Values, _: datetime) -> dict[str, Value]:
    after = {**before, **written}
    begins, ends = after.get("StartDateTime"), after.get("EndDateTime")
    minutes = after.get("DurationInMinutes")
    if not isinstance(begins, datetime):
        return {}
    if not isinstance(ends, datetime):
        ends = begins + timedelta(minutes=minutes if isinstance(minutes, int) else 60)
    return {"ActivityDate": begins.date(), "ActivityDateTime": begins, "EndDateTime": ends}


def _member(before: Values, written: Values, now: datetime) -> dict[str, Value]:
    if "Status" not in written:
        return {}
    has_responded = written["Status"] in RESPONDED
    first = written.get("FirstRespondedDate") or before.get("FirstRespondedDate")
    return {
        "HasResponded": has_responded,
        "FirstRespondedDate": (first or now.date()) if has_responded else None,
    }


def _order(before: Values, written: Values, now: datetime) -> dict[str, Value]:
    """A new one is worth nothing before it has products."""
    new: dict[str, Value] = {} if "TotalAmount" in before else {"TotalAmount": 0.0}
    if "Status" not in written:
        return new
    is_active = written["Status"] == ACTIVATED
    activated = before.get("ActivatedDate") or now
    return {
        **new,
        "StatusCode": written["Status"],
        "ActivatedDate": activated if is_active else None,
    }


def _line_item(before: Values, written: Values, _: datetime) -> dict[str, Value]:
    """Of price and total the one that is given tells the other."""
    quantity = written.get("Quantity", before.get("Quantity"))
    price, total = written.get("UnitPrice"), written.get("TotalPrice")
    if not isinstance(quantity, float) or not quantity:
        return {}
    if isinstance(total, float) and price is None:
        return {"UnitPrice": total / quantity}
    price = price if price is not None else before.get("UnitPrice")
    return {"TotalPrice": price * quantity} if isinstance(price, float) else {}


_RULES: Mapping[str, Rule] = {
    "Lead": _person,
    "Contact": _person,
    "User": _person,
    "Account": _account,
    "Opportunity": _opportunity,
    "Case": _case,
    "Task": _task,
    "Event": _event,
    "CampaignMember": _member,
    "OpportunityLineItem": _line_item,
    "Order": _order,
    "OrderItem": _line_item,
}
