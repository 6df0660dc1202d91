"""Groups of customers: how many, how steady, under which name, and why there are none."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.prediction.clusters import words_of
from chalicelib.training.clusters import (
    adjusted_rand_index,
    cheapest_matching,
    learned,
    silhouette,
)
from chalicelib.training.k_means import best_partition, partition, seeded
from tests.oracle.clusters import naive_lloyd, naive_matching, naive_rand, naive_silhouette, square

GROUPS = [(5, 30, 90_000), (40, 6, 9_000), (400, 1, 900), (200, 15, 200_000)]


def customers(groups=GROUPS, each=60, seed=1, factor=1.0):
    chance = Random(seed)
    return [
        {
            "recency": round(recency * chance.uniform(0.8, 1.25), 2),
            "frequency": max(1, round(frequency * chance.uniform(0.8, 1.25))),
            "monetary": round(monetary * chance.uniform(0.8, 1.25)) * factor,
        }
        for recency, frequency, monetary in groups
        for _ in range(each)
    ]


def scattered(groups, seed, each=150):
    chance = Random(seed)
    return [
        {
            "recency": chance.gauss(recency, recency / 3),
            "frequency": max(1, chance.gauss(frequency, frequency / 3)),
            "monetary": max(1, chance.gauss(monetary, monetary / 3)),
        }
        for recency, frequency, monetary in groups
        for _ in range(each)
    ]


def names(found):
    return dict(zip(found.clusters.ids, (one.en for one in found.clusters.labels), strict=True))


plane = st.lists(
    st.tuples(st.integers(-40, 40), st.integers(-40, 40)).map(lambda p: (p[0] / 7, p[1] / 3)),
    min_size=8,
    max_size=40,
    unique=True,
)


@settings(max_examples=60, deadline=None)
@given(plane, st.integers(2, 4))
def test_clusters_are_those_of_the_naive_loop(points, k):
    start = points[:k]
    found = partition(points, start)
    centres, labels = naive_lloyd(points, start) if fills(points, start) else (None, None)
    if centres is None or math.fsum(map(square, centres, found.centres)) > 1e-3:
        # A cluster that lost its points, or an end by small movement: the sum tells.
        assert found.inertia <= sum(min(square(p, c) for c in start) for p in points) + 1e-9
    else:
        assert list(found.labels) == labels


def fills(points, start):
    """Whether the naive loop never loses a cluster."""
    try:
        naive_lloyd(points, start)
    except ValueError:
        return False
    return True


@settings(max_examples=40, deadline=None)
@given(plane, st.integers(2, 4), st.integers(0, 99))
def test_every_cluster_has_points_and_every_point_its_nearest_centre(points, k, seed):
    found = best_partition(points, k, Random(seed), starts=3)
    assert min(found.sizes) >= 1
    for point, label in zip(points, found.labels, strict=True):
        far = [square(point, centre) for centre in found.centres]
        assert far[label] == pytest.approx(min(far))


def test_an_empty_cluster_takes_the_point_that_is_farthest_from_its_centre():
    points = [(0.0,), (1.0,), (2.0,), (30.0,)]
    found = partition(points, [(1.0,), (90.0,)])
    assert found.labels == (0, 0, 0, 1)
    assert partition(points, [(0.0,), (0.0,)]).sizes == [3, 1]


def test_starts_are_drawn_in_proportion_to_the_squared_distance():
    points = [(0.0,), (1.0,), (3.0,)]
    drawn = [seeded(points, 2, Random(seed)) for seed in range(3000)]
    second = [far for first, far in drawn if first == (0.0,)]
    assert second.count((3.0,)) / len(second) == pytest.approx(0.9, abs=0.03)


@settings(max_examples=40, deadline=None)
@given(plane, st.data())
def test_the_silhouette_is_that_of_the_definition(points, data):
    labels = data.draw(st.lists(st.integers(0, 2), min_size=len(points), max_size=len(points)))
    labels[:2] = [0, 1]
    assert silhouette(points, labels) == pytest.approx(naive_silhouette(points, labels))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_the_agreement_is_that_of_all_pairs(labels):
    one, other = zip(*labels, strict=True)
    assert adjusted_rand_index(one, other) == pytest.approx(naive_rand(one, other))


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_the_matching_is_the_cheapest_of_all(rows, columns, data):
    costs = [[data.draw(st.integers(0, 9)) * 1.0 for _ in range(columns)] for _ in range(rows)]
    found = cheapest_matching(costs)
    fewer = costs if rows <= columns else list(zip(*costs, strict=True))
    assert len(found) == len(set(found.values())) == min(rows, columns)
    assert sum(costs[row][column] for row, column in found.items()) == naive_matching(fewer)


def test_groups_that_are_there_are_found_and_named():
    found = learned(customers(), seed=1)
    assert found.gate.passed
    assert names(found) == {
        "1": "recent, frequent, high value",
        "2": "average",
        "3": "lapsed, frequent, high value",
        "4": "lapsed, rare, low value",
    }
    sizes = found.card.figures["sizes"]
    assert sorted(sizes.values()) == [60, 60, 60, 60]
    assert found.gate.sentences[0].en.startswith("240 customers in 4 clusters, silhouette 0.")


def test_the_same_seed_gives_the_same_clusters_and_another_the_same_groups():
    people = customers()
    assert learned(people, seed=3) == learned(people, seed=3)
    one, other = learned(people, seed=3).clusters, learned(people, seed=4).clusters
    assert [one.nearest(p).label for p in people] == [other.nearest(p).label for p in people]


def test_another_unit_of_money_changes_no_cluster():
    one, other = learned(customers(), seed=1), learned(customers(factor=10), seed=1)
    many = [one.clusters.nearest(p).id for p in customers()]
    assert many == [other.clusters.nearest(p).id for p in customers(factor=10)]


@pytest.mark.parametrize(("apart", "k"), [(2.5, 3), (4.0, 4)])
def test_of_silhouettes_that_are_nearly_as_good_the_fewest_clusters_are_taken(apart, k):
    # At 2.5 that of four is .854 and that of three .834.
    people = customers([*GROUPS[:3], (40 * apart, 6 * apart, 9_000)])
    assert learned(people, seed=1, high=4).card.figures["k"] == k


class TestNames:
    def test_a_cluster_keeps_its_name_in_the_next_training(self):
        first = learned(customers(), seed=1)
        again = learned(customers(seed=9)[::-1], seed=5, former=first.clusters)
        assert names(again) == names(first)
        assert again.clusters.next_id == first.clusters.next_id == 5

    def test_a_cluster_is_called_as_before_though_its_centre_moves_a_little(self):
        groups = [(8, 20, 900), (30, 9, 400), (90, 4, 150), (300, 1.6, 40)]
        known, plain, former = {}, set(), None
        for seed in range(8):
            found = learned(scattered(groups, seed), seed=1, former=former)
            for name, label in names(found).items():
                assert known.setdefault(name, label) == label
            plain.add(tuple(sorted(map(words_of, found.clusters.centres))))
            former = found.clusters
        assert len(plain) > 1  # centres did cross the lines

    def test_a_new_group_has_a_new_name_and_a_lost_ones_name_is_not_given_again(self):
        first = learned(customers(), seed=1)
        lost = learned(customers(GROUPS[:3]), seed=1, former=first.clusters)
        others = customers([*GROUPS[:3], (3, 400, 90)])
        found = learned(others, seed=1, former=lost.clusters)
        assert set(first.clusters.ids) == {"1", "2", "3", "4"}
        assert set(lost.clusters.ids) == {"1", "2", "4"}
        assert set(found.clusters.ids) == {"1", "2", "4", "5"}

    def test_a_centre_that_moved_far_is_another_cluster(self):
        first = learned(customers(), seed=1)
        others = customers([*GROUPS[:3], (3, 400, 90)])
        found = learned(others, seed=1, former=first.clusters)
        assert set(found.clusters.ids) == {"1", "2", "4", "5"}

    def test_features_that_changed_make_all_names_new(self):
        first = learned(customers(), seed=1)
        fewer = [{k: v for k, v in one.items() if k != "monetary"} for one in customers()]
        found = learned(fewer, seed=1, former=first.clusters)
        assert set(found.clusters.ids).isdisjoint(first.clusters.ids)


class TestNone:
    """A sentence, and no clusters."""

    @staticmethod
    def refused(people, sentence, **more):
        found = learned(people, seed=1, **more)
        assert found.clusters is None
        assert not found.gate.passed
        assert found.gate.sentences[0].en.startswith(sentence)
        assert found.gate.sentences[0].fa
        return True

    def test_nobody_or_few(self):
        assert self.refused([], "Not enough customers for clusters (0 of 60)")
        assert self.refused([{}] * 90, "No clusters: all customers are alike")
        assert self.refused(customers()[:59], "Not enough customers for clusters (59 of 60)")

    def test_all_alike(self):
        one = {"recency": 3, "frequency": 1, "monetary": 0}
        assert self.refused([one] * 100, "No clusters: all customers are alike in every feature")

    def test_too_few_places(self):
        people = [{"recency": 3 + n % 2, "frequency": 1} for n in range(100)]
        assert self.refused(people, "No clusters: customers stand in only 2 places")

    def test_numbers_that_are_none(self):
        nan = {"recency": math.nan, "frequency": 1, "monetary": math.inf}
        assert self.refused([nan] * 100, "Not enough customers for clusters (0 of 60)")
        assert learned([*customers(), *[nan] * 20], seed=1).card.figures["n"] == 240

    def test_clusters_that_are_too_small(self):
        people = [*customers(GROUPS[:1], each=80), *customers(GROUPS[2:3], each=4)]
        assert self.refused(people, "No number of clusters holds: of 3 the smallest has 4")

    def test_a_cloud_without_groups_is_not_parted_by_chance(self):
        chance = Random(2)
        cloud = [{name: math.expm1(abs(chance.gauss(5, 1))) for name in "ab"} for _ in range(120)]
        assert self.refused(cloud, "No number of clusters holds: 3 come out otherwise")


def test_of_many_customers_a_sample_chooses_and_all_move_the_centres():
    people = customers(each=700)
    found = learned(people, seed=1, low=4, high=4)
    assert sum(found.card.figures["sizes"].values()) == 2800
    assert sorted(found.card.figures["sizes"].values()) == [700] * 4
