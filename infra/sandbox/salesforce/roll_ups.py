"""What saving one record changes in another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from infra.sandbox.salesforce.derived import completed
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.values import to_second

if TYPE_CHECKING:
    from infra.sandbox.salesforce.work import Work


def follow(work: Work, record: Record, changed: Mapping[str, Value]) -> None:
    match record.object:
        case "OpportunityLineItem":
            _sum_up(work, record)
        case "OrderItem":
            _sum_up_order(work, record)
        case "Task" | "Event":
            _note_activity(work, record)
        case "OpportunityContactRole" if changed.get("IsPrimary"):
            _leave_one_primary(work, record)
        case "Opportunity" if changed.get("ContactId") and "CreatedDate" in changed:
            role = {"OpportunityId": record.id, "ContactId": record.value("ContactId")}
            work.create("OpportunityContactRole", {**role, "IsPrimary": True})


def _sum_up(work: Work, line: Record) -> None:
    """The amount of an opportunity with products is theirs."""
    deal = work.org.find(line.text("OpportunityId"))
    if deal is None:
        return
    lines = [
        one
        for one in work.org.living("OpportunityLineItem")
        if one.value("OpportunityId") == deal.id
    ]
    total = sum(v for one in lines if isinstance(v := one.value("TotalPrice"), float))
    written = completed("Opportunity", deal.values, {}, to_second(work.at))
    work.write(deal, {**written, "HasOpportunityLineItem": True, "Amount": total})


def _sum_up_order(work: Work, line: Record) -> None:
    """An order is worth what its products are, which must not change once it is activated."""
    order = work.org.find(line.text("OrderId"))
    if order is None or order.deleted_at is not None:
        return
    lines = [one for one in work.org.living("OrderItem") if one.value("OrderId") == order.id]
    total = sum(v for one in lines if isinstance(v := one.value("TotalPrice"), float))
    work.write(order, {"TotalAmount": total})


def _note_activity(work: Work, activity: Record) -> None:
    """Dates of what was done; what is only planned is none."""
    on = activity.value("ActivityDate")
    is_done = activity.object == "Event" or activity.value("IsClosed")
    if not isinstance(on, date) or not is_done or on > work.at.date():
        return
    for record in _concerned(work, activity):
        last = record.value("LastActivityDate")
        if not isinstance(last, date) or last < on:
            work.write(record, {"LastActivityDate": on}, stamped=False)


def _concerned(work: Work, activity: Record) -> list[Record]:
    who, what = (work.org.find(activity.text(name)) for name in ("WhoId", "WhatId"))
    account = work.org.find(who.text("AccountId")) if who else None
    return [one for one in (who, what, account) if one and one.deleted_at is None]


def _leave_one_primary(work: Work, role: Record) -> None:
    for one in list(work.org.living("OpportunityContactRole")):
        same = one.value("OpportunityId") == role.value("OpportunityId")
        if same and one.id != role.id and one.value("IsPrimary"):
            work.write(one, {"IsPrimary": False})
