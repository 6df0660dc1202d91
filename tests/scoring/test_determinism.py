"""Chapter 0: the same facts, policy and instant give the same card bit for bit, in any process."""

import json
import os
import subprocess
import sys

from hypothesis import Phase, given, seed, settings

from chalicelib.core.facts import iso
from tests.scoring.customer_examples import kinds
from tests.scoring.examples import NOW
from tests.scoring.whole_facts import all_seen, whole_models_for, whole_rows
from tests.scoring.whole_pages import whole_pages

# Python orders sets of texts by a hash that each process salts otherwise.
SCORE_ALL = """
import json, sys
from chalicelib.core.card_json import card_json
from chalicelib.core.facts import Fact, FactSet, iso, parse_instant
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels
from chalicelib.policy import compile_policy
from chalicelib.scoring import Written, next_change_at, publish, score_card

for told in json.load(sys.stdin):
    policy, now = compile_policy(told["page"]), parse_instant(told["now"])
    models = FittedModels("m", told["models"])
    facts = FactSet.of([Fact.from_json(row) for row in told["facts"]])
    subject = Ref.parse(told["subject"])
    card = score_card(subject, facts, policy, models, now)
    shown = publish(card, Written({}, certain=True), policy)
    change = next_change_at(subject, facts, policy, models, now, shown)
    print(json.dumps([card_json(card), shown, change and iso(change)]))
"""


def drawn():
    told = []

    @seed(1)
    @settings(max_examples=20, database=None, phases=[Phase.generate])
    @given(whole_pages, whole_rows, kinds)
    def draw(page, given_, kind):
        subject, rows = given_
        models = whole_models_for(page, kind).parameters
        facts = [fact.to_json() for fact in all_seen(rows)]
        told.append(
            {
                "page": page,
                "subject": str(subject),
                "facts": facts,
                "models": models,
                "now": iso(NOW),
            }
        )

    draw()
    return json.dumps(told)


def scored(told, salt):
    done = subprocess.run(
        [sys.executable, "-c", SCORE_ALL],
        input=told,
        env={**os.environ, "PYTHONHASHSEED": salt},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_0_another_process_gives_the_same_cards_fields_and_changes_to_the_last_bit():
    told = drawn()
    first = scored(told, "1")
    assert first.count("\n") == len(json.loads(told)) >= 15
    assert scored(told, "2") == scored(told, "3") == first
