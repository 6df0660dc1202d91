"""Chapters 3 and 5: the same numbers as scikit-learn's, on data that it ships."""

import numpy as np
import pytest
from sklearn import datasets, metrics
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from chalicelib.training import logistic
from chalicelib.training.binning import binned
from chalicelib.training.calibration import isotonic, platt
from chalicelib.training.clusters import adjusted_rand_index, silhouette
from chalicelib.training.k_means import partition
from chalicelib.training.metrics import auc, brier, log_loss

SETS = {
    "iris": (datasets.load_iris, 1),
    "breast_cancer": (datasets.load_breast_cancer, 1),
    "wine": (datasets.load_wine, 0),
    "digits": (datasets.load_digits, 8),
}
sets = pytest.mark.parametrize("name", SETS)


def data_of(name):
    """The features, and whether a row is of the class that is looked for."""
    load, wanted = SETS[name]
    features, target = load(return_X_y=True)
    return features, target == wanted


def one_hot(table):
    """Columns of zeros and ones, a level each."""
    return np.array(
        [
            [float(level == place) for level in column]
            for field, column in zip(table.fields, table.columns, strict=True)
            for place in range(len(field.weights))
        ]
    ).T


def scores_of(name):
    """Of a model of half of the rows, about the others."""
    features, outcomes = data_of(name)
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    model = LogisticRegression(max_iter=5000).fit(scaled[::2], outcomes[::2])
    return model, scaled[1::2], model.decision_function(scaled[1::2]), outcomes[1::2]


@sets
def test_3_5_logistic_weights_are_those_of_scikit_learn(name):
    features, outcomes = data_of(name)
    names = [f"f{place:02}" for place in range(features.shape[1])]
    table = binned([dict(zip(names, map(float, row), strict=True)) for row in features])
    sizes = [len(field.weights) for field in table.fields]
    found = logistic.fit(table.columns, sizes, outcomes.tolist())
    rival = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=500)
    rival.fit(one_hot(table), outcomes)
    flat = [weight for field in found.weights for weight in field]
    assert found.converged
    assert flat == pytest.approx(rival.coef_[0].tolist(), abs=1e-5)
    assert found.base == pytest.approx(float(rival.intercept_[0]), abs=1e-5)


@sets
def test_3_6_platts_calibration_is_that_of_scikit_learn(name):
    model, features, scores, outcomes = scores_of(name)
    rival = CalibratedClassifierCV(FrozenEstimator(model), method="sigmoid")
    rival.fit(features, outcomes)
    a, b = platt(scores.tolist(), outcomes.tolist())
    chances = 1 / (1 + np.exp(-(a * scores + b)))
    assert chances == pytest.approx(rival.predict_proba(features)[:, 1], abs=1e-5)


@sets
def test_3_6_the_isotonic_line_is_that_of_scikit_learn(name):
    _, _, scores, outcomes = scores_of(name)
    rival = IsotonicRegression(out_of_bounds="clip").fit(scores, outcomes)
    line = isotonic(scores.tolist(), outcomes.tolist())
    grid = np.linspace(scores.min() - 1, scores.max() + 1, 500)
    expected = rival.predict(np.concatenate([scores, grid]))
    assert [line.at(x) for x in [*scores, *grid]] == pytest.approx(expected, abs=1e-9)


@sets
def test_3_6_area_and_losses_are_those_of_scikit_learn(name):
    _, _, scores, outcomes = scores_of(name)
    chances = 1 / (1 + np.exp(-scores))
    # Rounded, so that many are equal.
    for ranks in (scores, np.round(scores)):
        expected = metrics.roc_auc_score(outcomes, ranks)
        assert auc(ranks.tolist(), outcomes.tolist()) == pytest.approx(expected, abs=1e-12)
    assert log_loss(chances.tolist(), outcomes.tolist()) == pytest.approx(
        metrics.log_loss(outcomes, chances)
    )
    assert brier(chances.tolist(), outcomes.tolist()) == pytest.approx(
        metrics.brier_score_loss(outcomes, chances)
    )


@sets
@pytest.mark.parametrize("k", [3, 5, 8])
def test_5_clusters_from_the_same_start_are_those_of_scikit_learn(name, k):
    features, _ = data_of(name)
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    start = scaled[np.random.default_rng(k).choice(len(scaled), k, replace=False)]
    rival = KMeans(k, init=start, n_init=1, algorithm="lloyd", tol=1e-4, max_iter=300).fit(scaled)
    found = partition(list(map(tuple, scaled.tolist())), list(map(tuple, start.tolist())))
    assert found.labels == tuple(rival.labels_.tolist())
    assert np.array(found.centres) == pytest.approx(rival.cluster_centers_, abs=1e-9)
    assert found.inertia == pytest.approx(rival.inertia_)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_5_silhouette_and_agreement_are_those_of_scikit_learn(name):
    features, _ = data_of(name)
    labels = [KMeans(k, n_init=1, random_state=k).fit(features).labels_ for k in (3, 4)]
    points = list(map(tuple, features.tolist()))
    assert silhouette(points, labels[0].tolist()) == pytest.approx(
        metrics.silhouette_score(features, labels[0])
    )
    assert adjusted_rand_index(*(one.tolist() for one in labels)) == pytest.approx(
        metrics.adjusted_rand_score(*labels)
    )
