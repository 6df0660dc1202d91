"""Companies as subjects of their own, under a policy that scores them.

Their records come along with the people who work there, so reading them costs no call.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from chalicelib.core.connector import Reading
from chalicelib.core.facts import Fact
from chalicelib.core.model import Ref


def with_companies(reading: Reading) -> Reading:
    """The reading with a company's own record as a fact of the company."""
    records: defaultdict[Ref, list[Fact]] = defaultdict(list)
    for subject, facts in reading.facts.items():
        for fact in facts:
            if fact.type == "account" and subject.kind != "account":
                company = Ref(subject.connection, "account", fact.id)
                records[company].append(replace(fact, subject=company))
    companies = {ref: tuple(found) for ref, found in records.items() if ref not in reading.facts}
    return replace(reading, facts={**reading.facts, **companies})
