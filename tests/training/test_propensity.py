"""When a model is learned, when it is used, and what is said where it is not."""

import math
from datetime import timedelta

import pytest

from chalicelib.prediction.propensity import Propensity
from chalicelib.training import segments
from chalicelib.training.metrics import log_loss
from chalicelib.training.propensity import out_of_fold, train
from chalicelib.training.rivals import Rival
from tests.training.examples import START, cases


def learned(rows, outcomes, times=None, **more):
    return train(rows, outcomes, times, **{"seed": 0, "horizon_days": 90} | more)


def says(trained):
    return [sentence.en for sentence in trained.gate.sentences]


def refused(trained, sentence):
    """No model, and the reason in both languages."""
    assert trained.model is None
    assert not trained.gate.passed
    assert not trained.card.passed
    assert says(trained)[0].startswith(sentence)
    assert all(text.fa and text.fa != text.en for text in trained.gate.sentences)
    return True


def with_outcomes(did, others):
    """So many cases of each sort, mixed."""
    rows, outcomes, _ = cases(6 * (did + others) + 200)
    yes = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome][:did]
    no = [row for row, outcome in zip(rows, outcomes, strict=True) if not outcome][:others]
    assert (len(yes), len(no)) == (did, others)
    return yes + no, [True] * did + [False] * others


@pytest.mark.parametrize(
    ("did", "others", "kind"),
    [(29, 200, None), (200, 29, None), (30, 200, "naive_bayes"), (119, 200, "naive_bayes"),
     (240, 900, "logistic")],
)  # fmt: skip
def test_the_kind_of_model_goes_by_the_outcomes(did, others, kind):
    found = learned(*with_outcomes(did, others))
    if kind is None:
        assert refused(found, "Not enough outcomes (29 of 30")
        assert found.card.figures == {"n": 229, "successes": did}
    else:
        assert found.model.kind == kind
        assert found.model.label == {"naive_bayes": "learning", "logistic": "trusted"}[kind]
        assert ("Still learning" in " ".join(says(found))) is (kind == "naive_bayes")


def test_numbers_are_cut_coarser_where_outcomes_do_not_suffice_for_all_ranges():
    found = learned(*with_outcomes(140, 300))
    assert found.model.kind == "logistic"
    assert found.card.figures["outcomes_per_parameter"] >= 10
    (visits,) = [field for field in found.model.fields if field.name == "visits"]
    assert len(visits.edges) + 1 <= 5


def test_what_was_learned_is_near_what_the_outcomes_hang_on():
    rows, outcomes, times = cases(6000)
    found = learned(rows, outcomes, times)
    weights = {
        value: dict(found.model.contributions({"source": value}))["source"]
        for value in ("expo", "web", "cold")
    }
    assert weights["expo"] - weights["web"] == pytest.approx(1.2, abs=0.25)
    assert weights["web"] - weights["cold"] == pytest.approx(0.9, abs=0.25)
    assert abs(dict(found.model.contributions({"size": 10.0}))["size"]) < 0.2
    assert found.card.figures["auc"] > 0.75
    assert found.card.figures["ece"] < 0.05


@pytest.mark.parametrize("count", [400, 3000])
def test_chances_of_a_logistic_model_have_the_base_rate_as_mean(count):
    rows, outcomes, times = cases(count)
    model = learned(rows, outcomes, times).model
    assert model.kind == "logistic"
    mean = math.fsum(map(model.probability, rows)) / count
    assert mean == pytest.approx(sum(outcomes) / count, abs=1e-6)


def test_parts_of_a_logistic_model_are_deviations_from_the_mean_in_training():
    rows, outcomes, times = cases(2000)
    model = learned(rows, outcomes, times).model
    for field in model.fields:
        weighted = zip(field.weights, field.counts, strict=True)
        assert math.fsum(weight * count for weight, count in weighted) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("count", [(60, 100), (240, 900)])
def test_what_nobody_had_in_training_says_nothing(count):
    model = learned(*with_outcomes(*count)).model
    parts = dict(model.contributions({"source": "fax", "visits": None, "demo": "perhaps"}))
    assert (parts["source"], parts["visits"], parts["demo"]) == (0, 0, 0)


def test_counted_chances_are_calibrated_from_two_hundred_rows_on():
    few, many = learned(*with_outcomes(60, 100)), learned(*with_outcomes(60, 400))
    assert few.model.kind == many.model.kind == "naive_bayes"
    assert few.model.platt is None
    assert many.model.platt is not None
    rows, _ = with_outcomes(60, 400)
    mean = math.fsum(map(many.model.probability, rows)) / len(rows)
    assert mean == pytest.approx(60 / 460, abs=0.02)


def test_what_the_outcomes_do_not_hang_on_is_refused():
    rows, outcomes, times = cases(900, informative=False)
    found = learned(rows, outcomes, times)
    assert refused(found, "Foretells the newest 180 cases no better than the base rate")
    assert found.card.figures["gain"][0] < 0


def test_the_newest_fifth_judges():
    """What held until four fifths of the time and no longer is of no use."""
    rows, outcomes, times = cases(2000)
    turned = [outcome if n < 1600 else not outcome for n, outcome in enumerate(outcomes)]
    assert refused(learned(rows, turned, times), "Foretells the newest 400 cases no better")
    assert learned(rows, turned, None).model is not None


def test_the_order_of_rows_says_nothing_where_times_are_known():
    rows, outcomes, times = cases(1500)
    mixed = sorted(range(1500), key=lambda n: (n * 7919) % 1500)
    other = learned(*([column[n] for n in mixed] for column in (rows, outcomes, times)))
    one = learned(rows, outcomes, times)
    assert other.card.figures["auc"] == one.card.figures["auc"]
    assert other.model.base == pytest.approx(one.model.base, abs=1e-6)


def test_a_lot_is_drawn_by_the_seed_and_the_card_says_so():
    rows, outcomes, _ = cases(800)
    one, again, other = (learned(rows, outcomes, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.card.figures["auc"] != other.card.figures["auc"]
    assert any("drawn by lot" in sentence for sentence in says(one))
    assert not any("drawn by lot" in one for one in says(learned(*cases(800))))


def test_a_worse_model_does_not_replace_the_one_in_force():
    rows, outcomes, times = cases(6000)
    running = learned(rows, outcomes, times).model
    few = [column[-400:] for column in (rows, outcomes, times)]
    assert learned(*few).model is not None
    assert refused(learned(*few, rival=Rival(running)), "No better than the model in force")
    poor = learned([{"demo": row["demo"]} for row in rows], outcomes, times).model
    found = learned(*few, rival=Rival(poor))
    assert found.model is not None
    assert found.card.figures["log_loss"] < found.card.figures["running_log_loss"]


def test_a_model_in_force_that_lives_on_a_leak_is_replaced():
    rows, outcomes, times = cases(2000)
    leaky = [row | {"paid": 5.0 if won else 0.0} for row, won in zip(rows, outcomes, strict=True)]
    running = learned(leaky, outcomes, times, keep=["paid"]).model
    assert learned(leaky, outcomes, times, rival=Rival(running)).model is not None


class TestInForce:
    """A model that was trained on the first ``KNOWN`` of some cases, each closed a week later."""

    KNOWN = 2000
    WEEK = timedelta(days=7)

    def held_against(self, rows, outcomes, times, known=KNOWN, **more):
        first = [column[:known] for column in (rows, outcomes, times)]
        closed = [at + self.WEEK for at in times]
        rival = Rival(learned(*first, **more).model, trained_at=closed[known - 1])
        return learned(rows, outcomes, times, known_at=closed, rival=rival, **more)

    @pytest.mark.parametrize("seed", range(8))
    def test_it_is_not_judged_by_what_it_was_made_of(self, seed):
        """Of the newest fifth of 2,100 cases it knows three quarters by heart."""
        found = self.held_against(*cases(2100, seed=seed))
        assert found.model is not None
        assert found.model.n == 2100
        assert "running_log_loss" not in found.card.figures
        (told,) = [one for one in says(found) if one.startswith("Not held against the model in")]
        assert "of the 30 new cases of either outcome that are needed" in told

    def test_the_later_half_of_what_it_did_not_know_compares(self):
        found = self.held_against(*cases(2400))
        assert found.card.figures["compared"] == 200
        assert found.card.figures["tested"] == 480

    def test_who_has_seen_that_things_changed_is_better(self):
        """Of whom came after it far more succeed."""
        rows, outcomes, times = cases(2000)
        later, came, hours = cases(800, seed=5, base=1.5)
        times += [times[-1] + (at - START) for at in hours]
        found = self.held_against(rows + later, outcomes + came, times)
        assert found.model is not None
        assert found.card.figures["compared_log_loss"] < found.card.figures["running_log_loss"]

    def test_whoever_is_better_on_new_cases_stays_in_force(self):
        """What is newest was told wrongly, and the latest cases are as ever."""
        rows, outcomes, times = cases(3000)
        wrong = [not one if 2000 <= n < 2500 else one for n, one in enumerate(outcomes)]
        found = self.held_against(rows, wrong, times)
        assert found.model is None
        assert any(one.startswith("No better than the model in force") for one in says(found))

    def test_models_of_segments_are_held_against_models_of_segments(self):
        """Whoever has learned one for each is not to be beaten by what is of all alone."""
        rows, outcomes, times = TestSegments.rows_of_two(4000)
        found = self.held_against(rows, outcomes, times, segment="city")
        losses = found.card.figures
        assert losses["compared_log_loss"] == pytest.approx(losses["running_log_loss"], abs=0.01)


def test_a_field_that_the_outcome_fills_is_left_out_and_named():
    rows, outcomes, times = cases(800)
    leaky = [row | {"paid": 5.0 if won else 0.0} for row, won in zip(rows, outcomes, strict=True)]
    found = learned(leaky, outcomes, times)
    assert "paid" not in [field.name for field in found.model.fields]
    assert any(sentence.startswith("paid alone tells the outcome") for sentence in says(found))
    kept = learned(leaky, outcomes, times, keep=["paid"])
    assert "paid" in [field.name for field in kept.model.fields]
    assert kept.card.figures["auc"] > 0.99


def test_nobody_is_judged_by_name_or_gender_or_by_the_owner_unless_asked():
    rows, outcomes, times = cases(800)
    personal = [
        row | {"First Name": "Anna" if n % 3 else "Omid", "gender": n % 2 == 0, "owner_id": n % 5}
        for n, row in enumerate(rows)
    ]
    found = learned(personal, outcomes, times)
    assert {field.name for field in found.model.fields} == set(rows[0])
    assert "Left out: First Name, gender, owner_id (a person is not judged by these)" in says(found)
    asked = learned(personal, outcomes, times, keep=["owner_id", "gender"])
    assert {field.name for field in asked.model.fields} == {*rows[0], "owner_id"}


class TestSegments:
    """Two cities, in which the same field means opposite things."""

    @staticmethod
    def rows_of_two(count=2400):
        rows, outcomes, times = cases(count)
        mixed, turned = [], []
        for n, (row, outcome) in enumerate(zip(rows, outcomes, strict=True)):
            city = ("tehran", "tabriz", "ray")[n % 3 if n % 40 else 2]
            visits = 11 - row["visits"] if city == "tabriz" else row["visits"]
            mixed.append(row | {"city": city, "visits": visits})
            turned.append(outcome)
        return mixed, turned, times

    def test_a_segment_that_is_foretold_better_by_itself_has_its_own_model(self):
        rows, outcomes, times = self.rows_of_two()
        found = learned(rows, outcomes, times, segment="city")
        names = [name for name, _ in found.model.segments]
        assert "tabriz" in names
        losses = found.card.figures["segments"]["tabriz"]
        assert losses["log_loss"] < losses["common_log_loss"]
        assert any(one.startswith("tabriz has a model of its own") for one in says(found))
        own = found.model.of({"city": "tabriz"})
        assert dict(own.contributions({"visits": 0}))["visits"] > 0
        assert dict(found.model.contributions({"visits": 0}))["visits"] < 0

    def test_models_of_segments_that_no_item_would_hold_are_left_out(self, monkeypatch):
        rows, outcomes, times = self.rows_of_two()
        own = learned(rows, outcomes, times, segment="city").model.segments
        monkeypatch.setattr(segments, "LARGEST", 10)
        none = learned(rows, outcomes, times, segment="city")
        assert own
        assert none.model.segments == ()
        assert any(one.startswith("No room is left for a model of tabriz") for one in says(none))

    def test_segments_of_most_cases_are_tried(self, monkeypatch):
        rows, outcomes, times = self.rows_of_two()
        monkeypatch.setattr(segments, "MOST", 1)
        found = learned(rows, outcomes, times, segment="city")
        assert len(found.card.figures["segments"]) == 1

    def test_a_segment_with_little_data_shares_the_model_of_all(self):
        rows, outcomes, times = self.rows_of_two()
        few = [row | {"city": "qom" if n % 60 == 0 else row["city"]} for n, row in enumerate(rows)]
        found = learned(few, outcomes, times, segment="city")
        assert "qom" not in found.card.figures["segments"]
        assert found.model.of({"city": "qom"}) is found.model

    def test_a_segment_that_is_like_all_shares_the_model_of_all(self):
        rows, outcomes, times = cases(900)
        alike = [row | {"city": "ab"[n % 2]} for n, row in enumerate(rows)]
        found = learned(alike, outcomes, times, segment="city")
        kept = dict(found.model.segments)
        for city, losses in found.card.figures["segments"].items():
            assert (losses["log_loss"] < losses["common_log_loss"]) is (city in kept)


NAN = float("nan")


class TestDegenerate:
    """A sentence, never a traceback nor a number without ground."""

    def test_no_rows(self):
        assert refused(learned([], []), "Nothing to learn from")
        assert refused(learned([], [], []), "Nothing to learn from")

    def test_one_row(self):
        assert refused(learned([{"x": 1}], [True]), "Not enough outcomes (0 of 30")

    def test_one_class(self):
        rows, _, times = cases(500)
        for outcome in (True, False):
            assert refused(learned(rows, [outcome] * 500, times), "Not enough outcomes (0 of 30")

    @pytest.mark.parametrize(
        "row", [{}, {"x": 1}, {"x": None}, {"x": NAN, "y": math.inf, "z": -math.inf}, {"x": "a"}]
    )
    def test_rows_that_are_all_alike(self, row):
        found = learned([row] * 400, [n % 3 == 0 for n in range(400)])
        assert refused(found, "No field tells cases apart")

    def test_values_that_are_unique(self):
        rows = [{"id": f"c{n}"} for n in range(400)]
        found = learned(rows, [n % 3 == 0 for n in range(400)])
        assert refused(found, "No field tells cases apart")

    def test_the_newest_all_ended_alike(self):
        rows, outcomes, times = cases(900)
        late = [outcome and n < 700 for n, outcome in enumerate(outcomes)]
        assert refused(learned(rows, late, times), "The 180 newest cases all ended alike")

    def test_the_older_all_ended_alike(self):
        rows, _, times = cases(900)
        assert refused(learned(rows, [n >= 860 for n in range(900)], times), "The 180 newest")

    def test_only_the_newest_differ_in_any_field(self):
        _, outcomes, times = cases(900)
        rows = [{"x": "a" if n < 720 else "ab"[n % 2]} for n in range(900)]
        assert refused(learned(rows, outcomes, times), "No field tells cases apart")

    def test_numbers_that_are_none(self):
        rows, outcomes, times = cases(900)
        odd = [row | {"junk": [NAN, math.inf, -math.inf][n % 3]} for n, row in enumerate(rows)]
        assert "junk" not in [field.name for field in learned(odd, outcomes, times).model.fields]
        chance = learned(odd, outcomes, times).model.probability({"visits": NAN, "size": math.inf})
        assert 0 < chance < 1

    def test_perfect_separation(self):
        rows = [{"x": n % 20} for n in range(600)]
        outcomes = [n % 20 >= 10 for n in range(600)]
        found = learned(rows, outcomes, keep=["x"])
        assert found.card.figures["auc"] > 0.99
        assert 0.9 < found.model.probability({"x": 19}) < 1

    def test_times_that_are_all_the_same(self):
        rows, outcomes, _ = cases(900)
        found = learned(rows, outcomes, [START] * 900)
        assert found.model is not None

    def test_lengths_that_differ_are_a_mistake_of_the_caller(self):
        with pytest.raises(ValueError, match="as many outcomes and times as rows"):
            learned([{"x": 1}], [True], [START, START + timedelta(1)])


def test_out_of_fold_chances_are_not_of_models_that_knew_the_row():
    rows, outcomes, _ = cases(900, informative=False)
    unique = [row | {"noise": f"v{n % 45}"} for n, row in enumerate(rows)]
    chances = out_of_fold(unique, outcomes)
    base = sum(outcomes) / len(outcomes)
    assert log_loss(chances, outcomes) > log_loss([base] * len(outcomes), outcomes)


def test_out_of_fold_chances_need_outcomes():
    with pytest.raises(ValueError, match="Not enough outcomes"):
        out_of_fold([{"x": 1}] * 40, [True] * 40)


def test_weights_that_did_not_settle_are_refused(monkeypatch):
    """Whoever is to be told by them had better be told nothing."""
    rows, outcomes, times = cases(900)
    assert learned(rows, outcomes, times).model is not None
    monkeypatch.setattr("chalicelib.training.lbfgs._ITERATIONS", 2)
    assert refused(learned(rows, outcomes, times), "The weights of the model did not settle")


def test_what_is_published_can_be_read_again():
    rows, outcomes, times = cases(900)
    found = learned(rows, outcomes, times, trained_at=START)
    again = Propensity.from_json(found.model.to_json())
    assert [again.probability(row) for row in rows] == [
        found.model.probability(row) for row in rows
    ]
    assert found.card.to_json()["trained_at"] == START.isoformat()
