"""To which cluster somebody belongs, also where something of them is not known."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.prediction.clusters import Clusters, label_of_all, words_of

FEATURES = ("recency", "frequency", "monetary")
CENTRES = ((-1.0, 1.0, 1.2), (0.1, 0.0, -0.2), (1.1, -0.8, -0.9))
WORDS = ((-1, 1, 1), (0, 0, 0), (1, -1, -1))
CLUSTERS = Clusters(
    features=FEATURES,
    low=(0.0, 0.7, 1.0),
    high=(6.0, 3.0, 7.0),
    mean=(4.0, 1.2, 4.0),
    deviation=(1.2, 0.5, 1.1),
    centres=CENTRES,
    ids=("1", "4", "3"),
    labels=label_of_all(FEATURES, WORDS, ("1", "4", "3")),
    n=300,
    next_id=5,
    words=WORDS,
)
amounts = st.one_of(st.none(), st.floats(), st.integers(-5, 10_000))
points = st.fixed_dictionaries({}, optional=dict.fromkeys((*FEATURES, "tenure"), amounts))


def place(point):
    """In deviations, by feature that is known."""
    found = {}
    for index, name in enumerate(FEATURES):
        value = point.get(name)
        if value is not None and math.isfinite(value):
            logarithm = math.log(1 + max(value, 0))
            held = min(max(logarithm, CLUSTERS.low[index]), CLUSTERS.high[index])
            found[index] = (held - CLUSTERS.mean[index]) / CLUSTERS.deviation[index]
    return found


@given(points)
def test_the_nearest_centre_is_told_with_how_much_nearer_it_is(point):
    found, known = CLUSTERS.nearest(point), place(point)
    if not known:
        assert found is None
        return
    far = [sum((z - c[i]) ** 2 for i, z in known.items()) for c in CENTRES]
    first, second = sorted(far)[:2]
    assert far[CLUSTERS.ids.index(found.id)] == pytest.approx(first)
    assert sum(found.shares.values()) == pytest.approx(second - first, abs=1e-9)
    assert found.shares.keys() == {FEATURES[index] for index in known}
    assert found.alternative in CLUSTERS.labels


def test_json_keeps_everything():
    assert Clusters.from_json(json.loads(json.dumps(CLUSTERS.to_json()))) == CLUSTERS


def test_clusters_that_were_kept_without_their_words_are_called_by_their_centres():
    held = CLUSTERS.to_json()
    del held["words"]
    assert Clusters.from_json(held) == CLUSTERS


@pytest.mark.parametrize(
    ("before", "z", "told"),
    [((), 0.49, 0), ((), 0.5, 1), ((), -0.5, -1),
     ((1,), 0.3, 1), ((1,), 0.2, 0), ((1,), -0.3, 0), ((1,), -0.6, -1),
     ((0,), 0.7, 0), ((0,), 0.8, 1), ((0,), -0.7, 0)],
)  # fmt: skip
def test_a_word_stays_until_its_line_is_clearly_crossed(before, z, told):
    assert words_of((z,), before) == (told,)


def test_of_clusters_that_are_called_alike_the_oldest_is_called_as_ever():
    alone = label_of_all(["monetary"], [(1,)], ["9"])
    twins = label_of_all(["monetary"], [(1,), (1,), (-1,)], ["10", "9", "11"])
    assert [one.en for one in twins] == ["high value (2)", "high value", "low value"]
    assert twins[1] == alone[0]
    assert twins[0].fa == "پرارزش (2)"


def test_labels_are_told_in_both_languages():
    assert [label.en for label in CLUSTERS.labels] == [
        "recent, frequent, high value",
        "average",
        "lapsed, rare, low value",
    ]
    assert CLUSTERS.labels[0].fa == "خرید تازه، پرتکرار، پرارزش"


def test_a_feature_of_another_name_is_called_high_or_low():
    assert label_of_all(["returns"], [(1,)], ["1"])[0].en == "high returns"


def test_one_cluster_alone_has_no_alternative():
    alone = Clusters(("recency",), (0.0,), (9.0,), (3.0,), (1.0,), ((0.0,),), ("1",),
                     label_of_all(["recency"], [(0,)], ["1"]))  # fmt: skip
    found = alone.nearest({"recency": 3})
    assert (found.id, found.alternative, found.shares) == ("1", None, {})
