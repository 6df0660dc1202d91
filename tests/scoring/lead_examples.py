"""Hypothesis strategies for chapter 1: mails and their machines, limits, resets, overrides."""

from datetime import timedelta

from hypothesis import strategies as st

from chalicelib.core.facts import iso
from tests.scoring.examples import NOW, TEXT, contact, pages, points, row

MAIL = ["email.opened", "email.clicked", "email.unsubscribed", "email.complained"]
DOINGS = [*MAIL, "email.sent", "page.viewed", "x.recycled"]

# Few instants, so that bursts, full days and two times of one id are met.
_bases = st.sampled_from([0, 0, 1, 2, 40, 400])
seconds = st.builds(
    lambda days, second: NOW - timedelta(days=days, seconds=second),
    _bases,
    st.integers(-2, 6) | st.integers(0, 90_000),
)

signals = st.fixed_dictionaries(
    {},
    optional={
        "message": st.sampled_from(["spring", "autumn"]),
        "link": st.sampled_from(["a", "b"]),
        "delivered_at": seconds.map(iso),
        "opens_reported": st.booleans(),
        "user_agent": st.sampled_from(["Mozilla/5.0", "Mozilla/5.0 (Windows)", "Curl/8.5"]),
        "ip": st.sampled_from(["203.0.113.9", "198.51.100.1", "2001:db8::1"]),
        "privacy_proxy": st.booleans(),
        "human": st.booleans(),
        "session": st.sampled_from(["s1", "s2"]),
        "minutes": st.sampled_from([0, 1, 2.5, 40]),
    },
)


def _doing(identity, kind, at, count, carried):
    return row("activity", identity, {"kind": kind, "count": count, **carried}, at)


doings = st.builds(
    _doing,
    st.integers(1, 30).map(str),
    st.sampled_from(DOINGS),
    seconds,
    st.integers(1, 3),
    signals,
)

lost_deals = st.builds(
    lambda identity, at, status: row(
        "deal", identity, {"status": status, "closed_at": iso(at)}, NOW, NOW
    ),
    st.sampled_from(["11", "12"]),
    seconds,
    st.sampled_from(["lost", "open"]),
)

people = st.fixed_dictionaries(
    {},
    optional={
        "job_title": st.sampled_from(["CEO", "intern", ""]),
        "phone": st.just("+982112345678"),
        "given_score": st.sampled_from([-5, 0, 49.5, 80, 300, True, "high"]),
        "reset_at": st.sampled_from(["2026-03-20", "2026-03-25", iso(NOW), "soon"]),
    },
).map(lambda attributes: contact(**attributes))

lead_rows = st.lists(st.one_of(doings, doings, doings, lost_deals, people), max_size=25)

wheres = st.sampled_from(
    [
        {},
        {},
        {"where": {"link": "a"}},
        {"where": {"link": ["a", "b"], "minutes": {"at_least": 1}}},
        {"where": {"message": {"contains": "spr"}}},
    ]
)

rules = st.lists(
    st.fixed_dictionaries(
        {
            "when": st.builds(
                lambda kind, where: {"activity": kind, **where}, st.sampled_from(DOINGS), wheres
            ),
            "points": points,
            "text": st.just(TEXT),
        },
        optional={
            "half_life_days": st.sampled_from([0.5, 14]),
            "max_per_session": st.integers(1, 2),
            "max_per_day": st.integers(1, 3),
            "max_per_period": st.builds(
                lambda count, days: {"count": count, "days": days},
                st.integers(1, 4),
                st.sampled_from([1, 2, 7, 30]),
            ),
            "per": st.just("minutes"),
            "once": st.just({"en": "Did it once", "fa": "یک بار"}),
        },
    ),
    min_size=1,
    max_size=5,
).map(lambda made: [{"id": f"rule_{index}", **rule} for index, rule in enumerate(made)])

machine_traffic = st.fixed_dictionaries(
    {},
    optional={
        "off": st.lists(
            st.sampled_from(["too_soon", "burst", "unopened", "agent", "network", "privacy_proxy"]),
            unique=True,
            max_size=3,
        ),
        "after_delivery_seconds": st.sampled_from([0, 3, 10]),
        "burst_seconds": st.sampled_from([0, 2, 5]),
        "agents": st.just(["Windows"]),
        "networks": st.just(["203.0.113.0/24", "2001:db8::/32"]),
        "humans": st.just(["1", "2"]),
    },
)

resets = st.lists(
    st.sampled_from(
        [
            {"id": "deal_lost", "groups": ["engagement"], "when": {"deal": "lost"}},
            {"id": "recycled", "groups": ["engagement"], "when": {"activity": "x.recycled"}},
            {"id": "asked", "groups": ["engagement", "fit"], "when": {"attribute": "reset_at"}},
        ]
    ),
    unique_by=lambda reset: reset["id"],
    max_size=3,
)


def _lead_page(page, made, machines, chosen, calendar, *, overridden):
    attributes = {
        "given_score": {"type": "number", "of": "contact", "hubspot": "given_score"},
        "reset_at": {"type": "date", "of": "contact", "hubspot": "reset_at"},
    }
    engagement = page["lead"]["groups"][1] | {"rules": made}
    lead = page["lead"] | {"groups": [page["lead"]["groups"][0], engagement], "resets": chosen}
    lead |= {"override": "given_score"} if overridden else {}
    return page | {
        "lead": lead,
        "calendar": calendar,
        "machine_traffic": machines,
        "attributes": page["attributes"] | attributes,
    }


lead_pages = st.builds(
    _lead_page,
    pages,
    rules,
    machine_traffic,
    resets,
    st.sampled_from(["gregorian", "jalali"]),
    overridden=st.booleans(),
)
