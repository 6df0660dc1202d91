"""``emtiaz train`` on fakes."""

import pytest

from tests.pipeline.test_backfill import complete, crowd
from tests.pipeline.test_train import everybody_buys

TOY = ("--connection", "toy-main")


@pytest.fixture
def ranked(installation):
    complete(crowd(installation.fakes))
    return installation.fakes


def test_it_says_what_moved_and_what_would(emtiaz, ranked):
    assert emtiaz("train", *TOY).out == "nothing moves\n"
    everybody_buys(ranked)
    assert emtiaz("train", *TOY).out == "nothing moves\n"
    assert emtiaz("train", *TOY, "--dry-run").out == "rfm would move, and 75 records be scored\n"
    assert emtiaz("train", *TOY, "--json").json == {
        "moved": ["rfm"], "subjects": 75, "doubtful": [], "declined": {}, "model_cards": {},
    }  # fmt: skip
    assert emtiaz("train", *TOY).out == "nothing moves\n"
