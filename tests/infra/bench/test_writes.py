from datetime import timedelta

from chalicelib.policy import compile_policy
from infra.bench import writes
from tests.scoring.examples import starter


def test_a_larger_step_writes_less_and_the_same_seed_writes_the_same(monkeypatch):
    monkeypatch.setattr(writes, "PEOPLE", 4)
    one, five = writes.writes_per_day(starter(), seed=3)
    assert one.value > five.value > 0
    assert writes.writes_per_day(starter(), seed=3) == [one, five]


def test_writes_come_between_the_first_fact_and_the_last_day(monkeypatch):
    monkeypatch.setattr(writes, "PEOPLE", 2)
    policy = compile_policy(starter())
    for subject, facts in writes.population(seed=3):
        found = list(writes.written(subject, facts, policy))
        assert found == sorted(found)
        assert found[0] == writes.START
        assert found[-1] < writes.START + timedelta(days=writes.DAYS)
