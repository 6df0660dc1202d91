"""What a purchase earns, and what is left of that when some of it goes back.

A purchase earns on its net amount less what is excluded (tax, delivery, gift cards, what was
paid with points)::

    full_steps      floor(amount / step) · points
    linear_floor    floor(amount · points / step)

times the product of all multipliers, floored once. Multipliers for some products weigh by the
lines of the order. A refund prices the purchase anew (*re-pricing*): what is taken back is what was
granted less what the rest would have earned, so that parts of a refund never drift from the whole.

10 points for every full 100,000 toman, of 349,000 toman, twice that for gold:

>>> from dataclasses import replace
>>> from chalicelib.core.model import Text
>>> rule = EarningRule("purchase", "purchase", 10, Text("", ""), step=1_000_000)
>>> priced(rule, 3_490_000, Fraction(1)), priced(rule, 3_490_000, Fraction(2))
(30, 60)
>>> priced(replace(rule, linear=True), 3_490_000, Fraction(3, 2))
51

Source: Open Loyalty's earning rules; Salesforce Loyalty Management (re-pricing of returns);
Talon.One (effects floored once).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from chalicelib.core.facts import money
from chalicelib.core.loyalty import EarningRule, Fits, Multiplier, Program
from chalicelib.core.model import Json
from chalicelib.core.purchases import Sale, left_of
from chalicelib.loyalty.happenings import Happening, Line


def priced(rule: EarningRule, amount: int, by: Fraction) -> int:
    """Points of a rule per amount, in the smallest unit of the currency; never below 0."""
    step = rule.step or 1
    plain = amount * rule.points // step if rule.linear else amount // step * rule.points
    return max(plain * by.numerator // by.denominator, 0)


def net(sale: Sale, refunds: Sequence[Sale]) -> int:
    return left_of(sale, refunds).amount if refunds else max(sale.worth.amount, 0)


def earning_amount(sale: Sale, refunds: Sequence[Sale], program: Program) -> int:
    """What earns points, 0 for a purchase in a currency of which nobody told a rate."""
    if sale.worth.currency != program.currency:
        return 0
    kept = net(sale, refunds)
    if kept and program.excluded:
        kept -= sum(_excluded(name, sale, refunds, program.currency) for name in program.excluded)
    return max(kept, 0)


def _excluded(name: str, sale: Sale, refunds: Sequence[Sale], currency: str) -> int:
    """A part of the bill, less what refunds say that they gave back of it."""
    part = _part(name, sale, currency)
    return max(part - sum(_part(name, back, currency) for back in refunds), 0) if part else 0


def _part(name: str, sale: Sale, currency: str) -> int:
    """In the currency of the programme; parts stand on the bill in the currency of the bill."""
    held = money(sale.data.get(name))
    if held is None:
        return 0
    if held.currency == currency:
        return abs(held.amount)
    if held.currency != sale.paid.currency or not sale.paid.amount:
        return 0
    return abs(held.amount * sale.worth.amount) // abs(sale.paid.amount)


def factor(
    multipliers: Sequence[Multiplier], rule: EarningRule, one: Happening, tier: str | None
) -> Fraction:
    """The product of all that apply, the mean over the lines where they differ."""
    asked = [each for each in multipliers if _applies(each, rule, one.at, tier)]
    if not asked:
        return Fraction(1)
    lines: Sequence[Line] = one.lines or ((one.attributes, 1),)
    whole = sum(weight for _, weight in lines)
    return sum(
        (_product(asked, _of_line(one, line)) * weight / whole for line, weight in lines),
        Fraction(0),
    )


def _applies(each: Multiplier, rule: EarningRule, at: datetime, tier: str | None) -> bool:
    is_asked = rule.id in each.rules and at in each.dates
    return is_asked and (each.tiers is None or tier in each.tiers)


def _of_line(one: Happening, line: Mapping[str, Json]) -> Mapping[str, Json]:
    return line if line is one.attributes else {**one.attributes, **line}


def _product(asked: Sequence[Multiplier], attributes: Mapping[str, Json]) -> Fraction:
    product = Fraction(1)
    for each in asked:
        if fitting(each.fits, attributes):
            product *= each.factor
    return product


def fitting(fits: Fits | None, attributes: Mapping[str, Json]) -> bool:
    return fits is None or fits(attributes)
