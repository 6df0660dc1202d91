"""What training has fitted of the future, as models that can be asked; made once of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.core.policy import FittedModels
from chalicelib.core.structs import struct
from chalicelib.prediction.calibration import Calibration
from chalicelib.prediction.clusters import Clusters
from chalicelib.prediction.propensity import Propensity
from chalicelib.prediction.purchases import History, PurchaseModel, Purchasing, RateModel
from chalicelib.prediction.spend import Spending, spending_of
from chalicelib.prediction.subscriptions import ShiftedBetaGeometric

CARDS = "model_cards"
"""What is to be known of each model, of those too that did not pass their gate."""


@struct
class Buying:
    """``model`` counts time in units of ``unit_days``; ``counts`` says whether its numbers may be
    told, not only who is likelier. ``usual`` is the population's. ``interval`` is the ± of an 80 %
    interval of what is expected of all together, as a share; of one customer it says nothing.
    """

    model: Purchasing
    unit_days: float
    counts: bool
    usual: History
    median_gap_days: float
    interval: float | None
    calibration: Calibration | None = None

    def alive(self, history: History) -> float | None:
        """None of who bought once in BG/NBD, where nobody drops out before buying again: that is
        by construction, and no finding.
        """
        one = self.model
        untold = isinstance(one, PurchaseModel) and one.family == "bg_nbd" and not history.frequency
        return None if untold else one.alive(history)

    def any_purchase(self, history: History, days: int) -> float:
        """The chance of a purchase within so many days, as it proved right in the past.

        Never more than within a longer time that the past has told of.
        """
        told = self.model.any_purchase(history, days / self.unit_days)
        if self.calibration is None:
            return told
        later = [
            line.at(self.model.any_purchase(history, other / self.unit_days))
            for other, line in self.calibration.lines
            if other >= days
        ]
        return min(later, default=told)

    @classmethod
    def from_json(cls, stated: Mapping[str, Any]) -> Buying:
        is_rate = stated["method"] == "rate"
        medians = stated["medians"]
        return cls(
            (RateModel if is_rate else PurchaseModel).from_json(stated),
            stated["unit_days"],
            bool(stated["counts"]),
            History(int(medians["frequency"]), medians["recency"], medians["age"]),
            stated["median_gap_days"],
            stated.get("interval"),
            Calibration.from_json(right) if (right := stated.get("calibration")) else None,
        )


@struct
class Fitted:
    """Each None where there was too little to learn it of, or nobody asked.

    ``subscriptions`` knows of renewals by their number alone, ``renewals`` of what people do too.
    """

    buying: Buying | None = None
    spend: Spending | None = None
    currency: str = ""
    subscriptions: ShiftedBetaGeometric | None = None
    renewals: Propensity | None = None
    propensity: Propensity | None = None
    deals: Propensity | None = None
    clusters: Clusters | None = None


_NAMES = (
    "purchases", "spend", "subscriptions", "renewals", "propensity", "deals", "clusters",
)  # fmt: skip
_MOST = 4
_made: list[tuple[FittedModels, Fitted]] = []


def fitted(models: FittedModels) -> Fitted:
    """The same for the same models, of which a process knows a few."""
    for known, made in _made:
        if known is models:
            return made
    made = _fitted(models.parameters)
    _made.insert(0, (models, made))
    del _made[_MOST:]
    return made


def _fitted(parameters: Mapping[str, Mapping[str, Any]]) -> Fitted:
    buying, spend, lapsing, renewing, chances, deals, clusters = map(parameters.get, _NAMES)
    return Fitted(
        buying=Buying.from_json(buying) if buying else None,
        spend=spending_of(spend) if spend else None,
        currency=spend["currency"] if spend else "",
        subscriptions=ShiftedBetaGeometric.from_json(lapsing) if lapsing else None,
        renewals=Propensity.from_json(renewing) if renewing else None,
        propensity=Propensity.from_json(chances) if chances else None,
        deals=Propensity.from_json(deals) if deals else None,
        clusters=Clusters.from_json(clusters) if clusters else None,
    )
