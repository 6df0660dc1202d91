"""Who is known by what, and what waits for whom nobody knows: on every store alike."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.core.errors import Awaited, Conflict, SubjectErased
from chalicelib.core.identity import MOST_OWNERS, NO_CLAIMS, ROWS_AT_ONCE, Claims, Waiting, changed
from chalicelib.core.model import Ref
from chalicelib.core.stored import Leaving, Stub
from tests.adapters.test_subject_store_contract import ANNA, BEN, NOON, contact
from tests.adapters.test_subject_store_contract import save as plain_save

HERE, MAIL, PHONE = "hubspot-main", "digest of a mail", "digest of a phone"
UNTIL = NOON + timedelta(days=90)


@pytest.fixture
def store(engine):
    return engine.subjects


def row(number, **data):
    at = (NOON + timedelta(minutes=number)).isoformat()
    return {"type": "purchase", "id": f"o{number}", "occurred_at": at, "data": data}


def save(ref=ANNA, base=0, *facts, claims):
    from dataclasses import replace

    return replace(plain_save(ref, base, *facts), claims=claims)


def claim(store, ref, *identities):
    held = next((card.identities for card in store.cards([ref])), ())
    version = store.load(ref).card.version
    found = [store.waiting(HERE, one) for one in identities if one not in held]
    claims = changed(held, identities, found)
    facts = [fact for one in found for fact in one.facts(ref)]
    store.save(save(ref, version, *facts, claims=claims))


def owners(store, identity=MAIL):
    return store.owners(HERE, [identity])[identity]


def test_an_identity_that_nobody_has_has_no_owners(store):
    assert store.owners(HERE, [MAIL, PHONE]) == {MAIL: (), PHONE: ()}
    assert store.waiting(HERE, MAIL) == Waiting(MAIL)


def test_who_claims_an_identity_is_its_owner_and_knows_so(store):
    store.save(save(claims=changed((), [MAIL, PHONE])))
    assert owners(store, MAIL) == owners(store, PHONE) == (ANNA,)
    assert store.load(ANNA).card.identities == (MAIL, PHONE)


def test_connections_do_not_see_each_other(store):
    store.save(save(claims=changed((), [MAIL])))
    assert store.owners("hubspot-other", [MAIL]) == {MAIL: ()}


def test_several_may_have_one_identity_and_who_gives_it_up_has_it_no_more(store):
    for ref in (ANNA, BEN):
        claim(store, ref, MAIL)
    assert set(owners(store)) == {ANNA, BEN}
    claim(store, ANNA, PHONE)
    assert owners(store) == (BEN,)
    assert store.load(ANNA).card.identities == (PHONE,)


@pytest.mark.parametrize("claims", [NO_CLAIMS, Claims(kept=(MAIL,))])
def test_a_save_that_changes_no_claim_keeps_them(store, claims):
    claim(store, ANNA, MAIL)
    store.save(save(ANNA, 1, claims=claims))
    assert owners(store) == (ANNA,)
    assert store.load(ANNA).card.identities == (MAIL,)


def test_what_waits_is_kept_until_a_claim_takes_it_along(store):
    store.wait(HERE, MAIL, [row(1), row(2)], UNTIL)
    found = store.waiting(HERE, MAIL)
    assert [one["id"] for one in found.rows] == ["o1", "o2"]
    claim(store, ANNA, MAIL)
    assert [fact.id for fact in store.load(ANNA).facts] == ["o1", "o2"]
    assert store.waiting(HERE, MAIL).rows == ()
    assert owners(store) == (ANNA,)


def test_the_same_waits_once_and_another_version_beside_it(store):
    store.wait(HERE, MAIL, [row(1)], UNTIL)
    store.wait(HERE, MAIL, [row(1), row(1) | {"modified_at": "2026-03-22T00:00:00Z"}], UNTIL)
    assert len(store.waiting(HERE, MAIL).rows) == 2


def test_who_claims_without_what_waits_changes_nothing(store):
    store.wait(HERE, MAIL, [row(1)], UNTIL)
    with pytest.raises(Awaited):
        store.save(save(ANNA, 0, contact(), claims=changed((), [PHONE, MAIL])))
    assert store.load(ANNA).card.version == 0
    assert owners(store, PHONE) == ()
    assert len(store.waiting(HERE, MAIL).rows) == 1


def test_who_has_read_less_than_waits_by_now_must_read_again(store):
    store.wait(HERE, MAIL, [row(1)], UNTIL)
    read = store.waiting(HERE, MAIL)
    store.wait(HERE, MAIL, [row(2)], UNTIL)
    with pytest.raises(Awaited):
        store.save(save(claims=changed((), [MAIL], [read])))


def test_of_two_who_want_what_waits_one_gets_it(store):
    store.wait(HERE, MAIL, [row(1)], UNTIL)
    read = store.waiting(HERE, MAIL)
    store.save(save(ANNA, 0, *read.facts(ANNA), claims=changed((), [MAIL], [read])))
    with pytest.raises(Awaited):
        store.save(save(BEN, 0, *read.facts(BEN), claims=changed((), [MAIL], [read])))
    assert len(store.load(BEN).facts) == 0
    claim(store, BEN, MAIL)
    assert set(owners(store)) == {ANNA, BEN}


def test_nothing_waits_for_whom_somebody_has_become(store):
    claim(store, ANNA, MAIL)
    with pytest.raises(Conflict):
        store.wait(HERE, MAIL, [row(1)], UNTIL)
    assert store.waiting(HERE, MAIL) == Waiting(MAIL)


def test_a_long_queue_moves_in_piece_by_piece_before_it_is_claimed(store):
    rows = [row(number) for number in range(ROWS_AT_ONCE * 2 + 5)]
    for start in range(0, len(rows), 30):
        store.wait(HERE, MAIL, rows[start : start + 30], UNTIL)
    claim(store, ANNA, MAIL)
    assert owners(store) == ()
    assert store.load(ANNA).card.identities == ()
    claim(store, ANNA, MAIL)
    claim(store, ANNA, MAIL)
    assert len(store.load(ANNA).facts) == len(rows)
    assert owners(store) == (ANNA,)


def test_a_piece_that_was_taken_is_taken_from_others_who_read_it(store):
    store.wait(HERE, MAIL, [row(number) for number in range(ROWS_AT_ONCE + 5)], UNTIL)
    read = store.waiting(HERE, MAIL)
    claim(store, ANNA, MAIL)
    with pytest.raises(Awaited):
        store.save(save(BEN, 0, *read.facts(BEN), claims=changed((), [MAIL], [read])))


def test_an_address_of_very_many_stands_for_no_further_ones(store):
    for number in range(MOST_OWNERS):
        claim(store, Ref(HERE, "contact", str(1000 + number)), MAIL)
    with pytest.raises(Awaited):
        store.save(save(claims=changed((), [MAIL])))
    claim(store, ANNA, MAIL)
    assert len(owners(store)) == MOST_OWNERS
    assert ANNA not in owners(store)
    assert store.load(ANNA).card.identities == (MAIL,), "so that it is not tried again"


@pytest.mark.parametrize("why", [Leaving.ERASED, Leaving.EXPIRED])
def test_who_leaves_for_good_is_known_no_more(store, why):
    claim(store, ANNA, MAIL)
    store.retire(ANNA, 1, Stub(why), NOON)
    assert owners(store) == (ANNA,), "until all of them is gone"
    store.clear(ANNA)
    assert owners(store) == ()
    store.wait(HERE, MAIL, [row(1)], UNTIL)


def test_who_was_merged_is_known_on_for_whoever_they_became(store):
    claim(store, ANNA, MAIL)
    store.save(save(BEN, 0, claims=changed((), [PHONE])))
    store.retire(ANNA, 1, Stub(Leaving.MERGED, BEN), NOON)
    store.clear(ANNA)
    assert owners(store) == (ANNA,)
    store.retire(BEN, 1, Stub(Leaving.ERASED), NOON)
    store.clear(BEN)
    assert owners(store, MAIL) == owners(store, PHONE) == (), "erased under all their ids"


def test_nothing_waits_under_the_id_of_somebody_who_was_erased(store):
    claim(store, ANNA, "her ref")
    store.retire(ANNA, 1, Stub(Leaving.ERASED), NOON)
    store.clear(ANNA)
    with pytest.raises(SubjectErased):
        store.wait(HERE, "her ref", [row(1)], UNTIL, ref=ANNA)


def test_whoever_tells_and_whoever_claims_at_once_do_not_miss_each_other(engine):
    for round_ in range(5):
        identity, ref = f"{MAIL} {round_}", Ref(HERE, "contact", f"9{round_}")
        teller, owner = engine.another_worker(), engine.another_worker()

        def tell(store=teller, identity=identity):
            try:
                store.wait(HERE, identity, [row(1)], UNTIL)
            except Conflict:
                return False
            return True

        def own(store=owner, identity=identity, ref=ref):
            while True:
                try:
                    return claim(store, ref, identity)
                except Conflict:
                    continue

        with ThreadPoolExecutor(2) as pool:
            told, owned = pool.submit(tell), pool.submit(own)
        owned.result()
        facts = engine.subjects.load(ref).facts
        assert len(facts) == (1 if told.result() else 0)
        assert engine.subjects.waiting(HERE, identity).rows == ()
