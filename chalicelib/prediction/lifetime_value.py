"""What is a customer worth from now on? Five factors whose product it is.

Over K months with a monthly rate d = (1 + annual)^(1/12) - 1, paid at the end of each month of τ::

    CLV = margin·E[M]·Σ_k (E(kτ) - E((k-1)τ)) / (1+d)^k

>>> from chalicelib.prediction.purchases import PurchaseModel
>>> from chalicelib.prediction.spend import ShrunkenSpend
>>> bought = PurchaseModel("mbg_nbd", r=0.525, alpha=6.183, a=0.891, b=1.614)
>>> worth = lifetime_value(bought, ShrunkenSpend(35), History(2, 30.4, 38.9), 20, annual_rate=0.1)
>>> round(worth.alive, 2), round(worth.purchases, 2), round(worth.spend, 2), round(worth.value, 2)
(0.71, 2.27, 29.0, 44.2)

Source: Fader, Hardie and Lee 2005 (JMR, "RFM and CLV").
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from chalicelib.prediction.purchases import History, Purchasing
from chalicelib.prediction.spend import Spending

DAYS_A_MONTH = 30.4375
WEEKS_A_MONTH = DAYS_A_MONTH / 7


@dataclass(frozen=True, slots=True)
class Breakdown:
    """``alive``·``purchases``·``spend``·``margin``·``discount``, less ``costs``.

    ``purchases`` are those of somebody who is alive, ``discount`` is what payments of the future
    are worth of payments now.
    """

    alive: float
    purchases: float
    spend: float
    margin: float
    discount: float
    costs: float = 0.0

    @property
    def value(self) -> float:
        factors = (self.alive, self.purchases, self.spend, self.margin, self.discount)
        return prod(factors) - self.costs


def lifetime_value(  # noqa: PLR0913  # a value has so many factors
    model: Purchasing,
    spend: Spending,
    h: History,
    mean: float,
    *,
    months: int = 12,
    annual_rate: float,
    margin: float = 1.0,
    month: float = WEEKS_A_MONTH,
    costs: float = 0.0,
    paid: int | None = None,
) -> Breakdown:
    """``mean`` is that of the customer's repeat purchases, or of ``paid`` of them, ``month`` a
    month's length in the model's unit, ``costs`` what is known to be spent on the customer.
    """
    monthly = (1 + annual_rate) ** (1 / 12)
    purchases = discounted = 0.0
    for k in range(1, months + 1):
        until = model.expected_if_alive(h, k * month)
        discounted += (until - purchases) / monthly**k
        purchases = until
    return Breakdown(
        alive=model.alive(h),
        purchases=purchases,
        spend=spend.expected(h.frequency if paid is None else paid, mean),
        margin=margin,
        discount=discounted / purchases if purchases else 1.0,
        costs=costs,
    )


def combined(value: float, pipeline: float, overlap: float = 0.5) -> float:
    """Of the modelled future and the open deals, which are often the purchases that it expects.

    >>> combined(100, 40), combined(100, 40, overlap=0), combined(0, 40)
    (120.0, 140, 40.0)
    """
    return value + pipeline - overlap * max(min(value, pipeline), 0)
