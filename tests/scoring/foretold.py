"""What training might have learned of the future, and pages that ask for it."""

from hypothesis import strategies as st

_targets = st.sampled_from([
    {"count": "purchase", "at_least": 3},
    {"count": "purchase", "at_least": 1},
    {"any": [{"count": "call.held", "at_least": 3}, {"sum": "purchase", "at_least": 500}]},
])  # fmt: skip

purchases = st.fixed_dictionaries(
    {},
    optional={
        "model": st.just("mbg_nbd"),
        "horizon_months": st.sampled_from([6, 12]),
        "margin": st.just(0.4),
        "annual_rate": st.sampled_from([0, 0.25]),
        "overlap": st.sampled_from([0, 0.5, 1]),
    },
)
subscriptions = st.fixed_dictionaries(
    {"renewal": st.just("reset_at")},
    optional={
        "grace_days": st.sampled_from([0, 30]),
        "usage": st.sampled_from([["page.viewed"], ["call.held", "email.opened"]]),
        "known": st.just(["job_title"]),
    },
)
leads = st.fixed_dictionaries(
    {"target": _targets},
    optional={
        "horizon_days": st.just(60),
        "exclude": st.just(["given_score"]),
        "segment": st.just("job_title"),
        "known": st.just(["job_title"]),
        "since": st.just("reset_at"),
    },
)
deals = st.fixed_dictionaries({}, optional={"horizon_days": st.just(180)})
clusters = st.fixed_dictionaries({}, optional={"from": st.just(3), "to": st.just(5)})

sections = st.fixed_dictionaries(
    {},
    optional={
        "purchases": purchases,
        "subscriptions": subscriptions,
        "leads": leads,
        "deals": deals,
        "clusters": clusters,
    },
).filter(bool)

_FIELDS = [
    {"name": "job_title", "edges": None, "values": ["CEO", "intern"],
     "weights": [0.8, -0.6, 0.0, -0.1]},
    {"name": "did:page.viewed", "edges": [0.5, 2.0], "values": [],
     "weights": [-0.3, 0.2, 0.9, 0.0, -0.7]},
    {"name": "quiet_days", "edges": [3.0, 20.0, 89.0], "values": [],
     "weights": [0.5, 0.1, -0.4, -1.2, 0.0, 0.0]},
    {"name": "kinds", "edges": [0.0, 1.0], "values": [], "weights": [-0.5, 0.1, 0.6, 0.0, 0.0]},
    {"name": "bought", "edges": [0.0, 2.0], "values": [], "weights": [-0.2, 0.3, 0.7, 0.0, 0.0]},
]  # fmt: skip
_OF_RENEWALS = [
    {"name": "renewal:survived", "edges": [0.0, 2.0], "values": [],
     "weights": [0.3, 0.0, -0.4, 0.0, 0.0]},
    {"name": "renewal:usage", "edges": [0.2, 1.1], "values": [],
     "weights": [1.2, 0.3, -0.8, 0.0, 0.5]},
    {"name": "renewal:tickets", "edges": [0.25, 0.9], "values": [],
     "weights": [-0.2, 0.2, 0.7, 0.0, 0.0]},
    {"name": "renewal:answer:csat", "edges": [50.0], "values": [], "weights": [0.6, -0.6, 0.0, 0.1]},
    {"name": "quiet_days", "edges": [30.0], "values": [], "weights": [-0.2, 0.4, 0.0, 0.0]},
]  # fmt: skip
_OF_DEALS = [
    {"name": "stage", "edges": None, "values": ["intro", "offer", "negotiation"],
     "weights": [-0.7, 0.2, 0.9, 0.4, 0.0]},
    {"name": "days_in_stage", "edges": [2.5, 10.0, 31.0], "values": [],
     "weights": [0.4, 0.5, -0.3, -0.9, 0.0, 0.0]},
    {"name": "age_days", "edges": [14.0, 40.0], "values": [],
     "weights": [0.1, -0.1, 0.3, 0.0, 0.0]},
    {"name": "stages", "edges": [1.0], "values": [], "weights": [-0.2, 0.3, 0.0, 0.0]},
    {"name": "skipped", "edges": None, "values": ["false", "true"],
     "weights": [0.2, -0.4, 0.0, 0.0]},
    {"name": "pipeline", "edges": None, "values": ["default"], "weights": [0.1, -0.1, 0.0]},
]  # fmt: skip
_OF_OTHERS = [
    {"name": "days_in_stage", "edges": [6.0, 20.0], "values": [],
     "weights": [0.6, 0.1, -0.7, 0.0, 0.0]},
]  # fmt: skip
_LABELS = [{"en": "recent, frequent", "fa": "تازه و پرتکرار"}, {"en": "lapsed", "fa": "قدیمی"},
           {"en": "average", "fa": "معمولی"}]  # fmt: skip

LEARNED = {
    "purchases": {
        "method": "model", "family": "mbg_nbd", "r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614,
        "unit_days": 7, "counts": True, "median_gap_days": 21.0, "interval": 0.12,
        "medians": {"frequency": 1, "recency": 5.0, "age": 30.0}, "n": 900,
        "calibration": {
            "30": [[0, 0], [0.05, 0.02], [0.2, 0.22], [0.3, 0.22], [0.7, 0.5]],
            "90": [[0, 0], [0.1, 0.04], [0.3, 0.3], [0.45, 0.3], [0.8, 0.9]],
        },
    },
    "spend": {
        "method": "gamma_gamma", "p": 6.25, "q": 3.74, "v": 15_440.0, "currency": "USD", "n": 400,
    },
    "subscriptions": {"alpha": 0.668, "beta": 0.806, "n": 200},
    "renewals": {
        "kind": "logistic", "base": -0.9, "fields": _OF_RENEWALS, "platt": None, "label": "trusted",
        "horizon_days": 45, "n": 800,
    },
    "propensity": {
        "kind": "logistic", "base": -1.0, "fields": _FIELDS, "platt": None, "label": "learning",
        "horizon_days": 90, "n": 500,
    },
    "deals": {
        "kind": "logistic", "base": -0.4, "fields": _OF_DEALS, "platt": None, "label": "trusted",
        "horizon_days": 180, "n": 700, "segment": "pipeline",
        "segments": {
            "other": {"kind": "logistic", "base": 0.3, "fields": _OF_OTHERS, "platt": None,
                      "label": "trusted", "horizon_days": 180, "n": 300},
        },
    },
    "clusters": {
        "features": ["recency", "frequency", "monetary"], "low": [0.0, 0.0, 0.0],
        "high": [6.0, 3.0, 14.0], "mean": [3.0, 1.0, 9.0], "deviation": [1.5, 0.5, 2.0],
        "centres": [[-1.0, 1.0, 0.8], [1.2, -0.5, -0.4], [0.1, 0.0, 0.1]], "ids": ["1", "2", "4"],
        "labels": _LABELS, "n": 900, "next_id": 5,
    },
}  # fmt: skip
