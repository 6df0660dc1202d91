"""Hypothesis strategies for the facts that pages with all sections ask for."""

import itertools
from datetime import timedelta

from hypothesis import strategies as st

from chalicelib.core.facts import Fact, FactSet, iso
from chalicelib.core.model import Ref
from chalicelib.core.policy import FittedModels
from chalicelib.scoring.funnel import sightings
from tests.scoring import customer_examples, foretold, lead_examples
from tests.scoring.examples import NOW, SUBJECT, accounts, contact, instants, row

COMPANY = Ref(SUBJECT.connection, "account", "7")
DAY = timedelta(days=1)
IDS = [str(number) for number in range(1, 6)]

_moves = st.lists(
    st.tuples(
        st.integers(-60 * 1440, 4320).map(lambda minutes: NOW + timedelta(minutes=minutes)),
        st.sampled_from(["s1", "s2", "s3", "s4", "s5", "unheard of"]),
        st.sampled_from(["open", "open", "open", "won", "lost"]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda move: move[0],
).map(sorted)
_moneys = st.builds(
    lambda amount, currency: {"amount": amount, "currency": currency},
    st.integers(-5, 300_000),
    st.sampled_from(["USD", "USD", "EUR"]),
)
_paid = st.fixed_dictionaries({"amount": _moneys}, optional={"value": _moneys})
_sums = st.tuples(
    st.one_of(st.just({}), _paid, _paid),
    st.fixed_dictionaries({}, optional={"expected_at": instants.map(iso)}),
).map(lambda both: both[0] | both[1])


@st.composite
def _deals(draw):
    """All versions of one deal as it moves from stage to stage."""
    identity, said = draw(st.sampled_from(IDS)), draw(_sums)
    pipeline, closed = draw(st.sampled_from(["default", "other"])), iso(draw(instants))
    is_told, entered, versions, before = draw(st.booleans()), None, [], None
    for at, stage, status in draw(_moves):
        entered = at if (stage, status) != before else entered
        before = stage, status
        data = {"status": status, "stage": stage, "pipeline": pipeline, **said}
        data |= {"closed_at": closed} if status != "open" else {}
        data |= {"entered_at": iso(entered)} if is_told else {}
        versions.append(row("deal", identity, data, NOW, at))
    return versions


_categories = st.sampled_from(["tea", "tea", "cups", "cake", "zebra"])
_parts = st.builds(
    lambda amount, currency: {"amount": amount, "currency": currency},
    st.integers(-5, 20_000),
    st.sampled_from(["USD", "USD", "EUR"]),
)
_lines = st.builds(
    lambda paid, kind: {"amount": paid, **kind},
    _parts,
    st.sampled_from([{"category": "tea"}, {"product": {"type": "cups"}}, {}]),
)


def _order(identity, at, paid, more):
    return row("purchase", identity, {"amount": paid, **more}, at)


orders = st.builds(
    _order,
    st.sampled_from(["A", "B", "C", "D"]),
    instants,
    _moneys,
    st.fixed_dictionaries(
        {},
        optional={
            "category": _categories,
            "credit": st.sampled_from(["referral", "referral", "influence"]),
            "share": st.sampled_from([0.05, 0.5]),
            "value": _moneys,
            "purchase": st.sampled_from(["A", "deal:1"]),
            "deal": st.sampled_from(["1", "2"]),
            "lines": st.lists(_lines, min_size=1, max_size=3),
            "tax": _parts,
            "wrapping": _parts,
            "paid_with_points": _parts,
        },
    ),
)
refunds = st.builds(
    lambda identity, of, at, paid, more: row(
        "refund", identity, {"purchase": of, "amount": paid, **more}, at
    ),
    st.sampled_from(["r1", "r2"]),
    st.sampled_from(["A", "B", "C", "deal:1", "deal:2", "nowhere"]),
    instants,
    _moneys,
    st.fixed_dictionaries({}, optional={"tax": _parts, "value": _moneys}),
)


@st.composite
def _regulars(draw):
    """Somebody who comes again and again for a while, and now and then brings something back."""
    ago = st.integers(-2, 60).map(lambda days: NOW - days * DAY)
    last, every = draw(ago | instants), draw(st.sampled_from([1, 4, 7, 20, 29, 45]))
    times = [last - number * every * DAY for number in range(draw(st.integers(2, 10)))]
    paid = {"amount": draw(st.sampled_from([900, 5_000, 30_050])), "currency": "USD"}
    kind = draw(st.sampled_from(["order", "order", "page.viewed", "both"]))
    rows = []
    if kind != "page.viewed":
        rows += [_order(f"R{number}", at, paid, {}) for number, at in enumerate(times)]
        for number in draw(st.lists(st.sampled_from([0, 1, 2, 4]), unique=True, max_size=2)):
            back = paid | {"amount": draw(st.sampled_from([100, 5_000, 30_050]))}
            data = {"purchase": f"R{number}", "amount": back}
            at = times[min(number, len(times) - 1)] + draw(st.sampled_from([1, 25])) * DAY
            rows.append(row("refund", f"back{number}", data, at))
    if kind != "order":
        rows += [row("activity", f"visit{number}", {"kind": "page.viewed", "link": "a"}, at)
                 for number, at in enumerate(times)]  # fmt: skip
    return rows


items = st.builds(
    lambda identity, deal, paid, kind: row(
        "line_item", identity, {"deal_id": deal, "amount": paid, **kind}
    ),
    st.sampled_from(["i1", "i2", "i3", "i4"]),
    st.sampled_from(IDS),
    _moneys,
    st.one_of(
        _categories.map(lambda one: {"category": one}),
        _categories.map(lambda one: {"product": {"type": one}}),
        st.just({}),
    ),
)
views = st.builds(
    lambda at, category, count: row(
        "activity",
        f"view@{iso(at)}",
        {"kind": "page.viewed", "count": count, "category": category},
        at,
    ),
    instants,
    _categories,
    st.integers(1, 9),
)
talks = st.builds(
    lambda kind, at: row("activity", f"{kind}@{iso(at)}", {"kind": kind}, at),
    st.sampled_from(["call.held", "meeting.held", "x.webinar"]),
    instants,
)
scores = st.builds(
    lambda identity, score, keys: row(
        "score", identity, {} if score is None else {"score": score, "person": keys}
    ),
    st.sampled_from(["anna", "ben", "carl"]),
    st.one_of(st.none(), st.integers(0, 100)),
    st.lists(st.sampled_from(["mail", "phone"]), max_size=2),
)
cases = st.builds(
    lambda identity, at, status: row(
        "ticket", identity, {"status": status, "opened_at": iso(at - DAY), "closed_at": iso(at)}
    ),
    st.sampled_from(["t1", "t2", "t3"]),
    instants,
    st.sampled_from(["closed", "closed", "open"]),
)
subscriptions = st.builds(
    lambda at: row("subscription", "s", {"renewed_at": iso(at)}), instants
)  # no model reads them yet, and so they change nothing
records = st.fixed_dictionaries(
    {},
    optional={
        "job_title": st.sampled_from(["CEO", "intern", ""]),
        "email": st.just("b@gmail.com"),
        "email_opted_out": st.booleans(),
        "given_score": st.sampled_from([0, 49.5, 300, True, "high"]),
        "reset_at": st.sampled_from(["2026-03-20", "2026-03-24", iso(NOW), "soon"]),
        "acquisition_cost": st.sampled_from([5, 12.5, "dear"]),
        "owner": st.sampled_from(["77", 78, ""]),
        "referred_by": st.just("9"),
    },
).map(lambda attributes: contact(**attributes))
links = st.fixed_dictionaries(
    {"deal": st.lists(st.sampled_from(IDS), unique=True), "account": st.permutations(["7", "8"])},
    optional={
        "line_item": st.just(["i1", "i2"]),
        "ticket": st.just(["t1"]),
        "survey": st.just(["s1", "s2"]),
    },
).map(lambda data: row("links", "links", data))

_shopping = st.one_of(orders, orders, orders, orders, refunds, items, items, views)
_doing = st.one_of(lead_examples.doings, lead_examples.doings, views, talks)
_saying = st.one_of(
    customer_examples.answers, customer_examples.tickets, cases, scores, scores, subscriptions
)
_records = st.one_of(records, records, accounts, links)


def _few_or_many(facts):
    sizes = st.sampled_from([8, 1, 16, 4])
    return sizes.flatmap(lambda size: st.lists(facts, min_size=size, max_size=size))


def _subjects(rows, subject):
    """The same facts of another subject."""
    return [one | {"subject": str(subject)} for one in rows]


@st.composite
def _whole_rows(draw):
    """A subject and what is told of it, every version of its deals among them."""
    histories = draw(st.lists(_deals(), max_size=3, unique_by=lambda deal: deal[0]["id"]))
    others = [draw(_few_or_many(facts)) for facts in (_shopping, _doing, _saying)]
    others.append(draw(_regulars()) if draw(st.sampled_from([True, True, False])) else [])
    rows = [*itertools.chain(*histories, *others), *draw(st.lists(_records, max_size=4))]
    subject = draw(st.sampled_from([SUBJECT, SUBJECT, COMPANY]))
    return subject, _subjects(_consistent(rows), subject)


def _consistent(rows):
    """Without two tellings of one thing that differ and of which none is the newer one."""
    kept = {}
    for one in rows:
        when = one["occurred_at"] if one["type"] == "activity" else one.get("modified_at")
        kept[one["type"], one["id"], when] = one
    return list(kept.values())


whole_rows = _whole_rows()

ODDS = {"intro": 0.13, "trial": 0.27, "offer": 0.44, "negotiation": 0.61, "contract": 0.83}
LEARNED = {
    "stages": {"p": ODDS, "remaining_days": {"intro": 40.5, "offer": 20}, "n": 90},
    "cross_sell": {
        "goes_with": {
            "tea": [["cups", 2.5, 1.6878], ["cake", 2.0, 1.2], ["zebra", 9.0, 8.0]],
            "cups": [["cake", 3.0, 1.2]],
        }
    },
    **foretold.LEARNED,
}


def whole_models_for(page, kind):
    """What training would have learned, if it saw this policy."""
    found = customer_examples.models_for(page, kind)
    if kind == "nothing":
        return found
    learned = {**found.parameters, **LEARNED}
    if kind == "by id":  # with few customers
        learned["purchases"] = {**learned["purchases"], "calibration": None}
        del learned["deals"], learned["renewals"]
    return FittedModels(kind, learned)


def all_seen(rows):
    """What a collection holds that has read each of these, in this order."""
    facts = [Fact.from_json(one) for one in rows]
    return FactSet.of(facts).merge(sightings(facts))
