"""Models of purchases and spend by the package ``lifetimes``, run by the Python that has it.

Reads JSON from standard input and writes JSON: for each family the parameters of its own fit and
what it says of every customer, by those and by given ones. Imports nothing of ours.
"""

import json
import sys
import warnings

FAMILIES = {"bg_nbd": "BetaGeoFitter", "mbg_nbd": "ModifiedBetaGeoFitter"}
WEEKS_A_MONTH = 4.345
MONTHLY = 0.01


def main():
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    customers = columns(asked["customers"])
    spend = spend_fit(customers)
    found = {
        family: of_family(family, customers, asked["given"][family], spend, asked["t"])
        for family in FAMILIES
    }
    found["spend"] = {"fitted": list(map(float, spend.params_)), "log_likelihood": spent(spend)}
    json.dump(found, sys.stdout)


def columns(rows):
    import pandas as pd

    return pd.DataFrame(rows, columns=["x", "recency", "age", "mean"])


def fitter(family):
    import lifetimes

    return getattr(lifetimes, FAMILIES[family])()


def of_family(family, customers, given, spend, t):
    import numpy as np
    import pandas as pd

    told = customers.x, customers.recency, customers.age
    own = fitter(family).fit(*told)
    likelihood = -len(customers) * own._negative_log_likelihood(
        np.log(own.params_), *map(np.asarray, told), np.ones(len(customers)), 0.0
    )
    other = fitter(family)
    other.predict = other.conditional_expected_number_of_purchases_up_to_time  # as fit does
    other.params_ = pd.Series(given["purchases"], index=["r", "alpha", "a", "b"])
    other_spend = type(spend)()
    other_spend.params_ = pd.Series(given["spend"], index=["p", "q", "v"])
    return {
        "parameters": list(map(float, own.params_)),
        "log_likelihood": float(likelihood),
        "fitted": each(own, spend, customers, t),
        "given": each(other, other_spend, customers, t),
    }


def each(model, spend, customers, t):
    """Columns: P(alive), purchases within t, spend, value of a year."""
    from lifetimes.utils import _customer_lifetime_value

    told = customers.x, customers.recency, customers.age
    amounts = spend.conditional_expected_average_profit(customers.x, customers["mean"])
    value = _customer_lifetime_value(
        model, *told, amounts, time=12, discount_rate=MONTHLY, freq="W"
    )
    return {
        "alive": list(map(float, model.conditional_probability_alive(*told))),
        "purchases": list(map(float, model.predict(t, *told))),
        "spend": list(map(float, amounts)),
        "value": list(map(float, value)),
        "unconditional": float(model.expected_number_of_purchases_up_to_time(t)),
        "counts": [float(model.probability_of_n_purchases_up_to_time(t, n)) for n in range(6)],
    }


def spend_fit(customers):
    import lifetimes

    back = customers[customers["mean"] > 0]
    return lifetimes.GammaGammaFitter().fit(back.x, back["mean"])


def spent(spend):
    import numpy as np

    data = spend.data
    return -len(data) * float(
        spend._negative_log_likelihood(
            np.log(spend.params_), data.frequency, data.monetary_value, data.weights, 0.0
        )
    )


if __name__ == "__main__":
    main()
