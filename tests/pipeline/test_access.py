"""One worker renews the access token of a grant; all others live on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from chalicelib.core.connector import AccessToken, OAuthGrant, Rate, Secret
from chalicelib.core.errors import CredentialsInvalid, CrmUnavailable, RateLimited, Retryable
from chalicelib.pipeline.access import REVOKED_FOR, SharedAccess
from chalicelib.pipeline.local_access import LocalGrants, LocalState, local_access
from chalicelib.pipeline.tokens import AHEAD, LEASE, REST
from tests.fakes.clock import FakeClock
from tests.fakes.grants import FakeAuthority

GRANT = OAuthGrant("client", "client secret", "refresh-0")
SECRET = Secret("https://emtiaz.example/hooks/toy-main", ("word",), "", oauth=GRANT)


class Office:
    """Workers of one connection, what they share, and a clock that only waiting moves."""

    def __init__(self, secret=SECRET, **authority):
        self.clock = FakeClock()
        self.grants = LocalGrants(secret)
        self.state = LocalState()
        self.authority = FakeAuthority(self.clock, **authority)
        self.revoked = []
        self.waited = 0

    def worker(self):
        return SharedAccess(
            "toy-main",
            grants=self.grants,
            state=self.state,
            clock=self.clock,
            revoked=lambda until, reason: self.revoked.append((until, reason)),
            sleep=self.sleep,
        )

    def sleep(self, seconds):
        self.waited += seconds
        self.clock.advance(seconds=seconds)

    def token(self, worker=None, **refused):
        return (worker or self.worker()).token(self.authority.refresh, **refused)

    @property
    def refreshes(self):
        return len(self.authority.refreshed_with)


@pytest.fixture
def office():
    return Office()


def test_a_static_token_is_handed_out_as_it_is():
    office = Office(Secret("", (), "static"))
    assert office.token() == office.token(refused="static") == "static"
    assert office.refreshes == 0


def test_a_token_is_made_once_and_serves_every_worker(office):
    assert {office.token() for _ in range(5)} == {"access-1"}
    assert office.refreshes == 1


def test_a_worker_remembers_its_token(office, monkeypatch):
    worker = office.worker()
    office.token(worker)
    monkeypatch.setattr(office.state, "token", pytest.fail)
    assert office.token(worker) == "access-1"


def test_a_token_is_renewed_five_minutes_before_its_end(office):
    worker = office.worker()
    office.token(worker)
    office.clock.advance(minutes=24, seconds=59)
    assert office.token(worker) == "access-1"
    office.clock.advance(seconds=1)
    assert office.token(worker) == "access-2"
    assert office.token() == "access-2"


def test_a_short_lived_token_is_renewed_after_half_its_life():
    office = Office(lifetime=AHEAD)
    office.token()
    office.clock.advance(seconds=149)
    assert office.token() == "access-1"
    office.clock.advance(seconds=1)
    assert office.token() == "access-2"


def test_while_one_renews_the_others_use_the_living_token(office):
    others = []
    office.token()
    office.clock.advance(minutes=26)
    office.authority.busy = lambda: others.append(office.token())
    assert office.token() == "access-2"
    assert others == ["access-1"]
    assert office.waited == 0


def test_a_worker_that_dies_while_it_renews_is_replaced_when_its_lease_ends(office):
    now = office.clock.now()
    assert office.state.lease("toy-main", "the dead", now, now + LEASE)
    with pytest.raises(Retryable):
        office.token()
    assert office.waited < 10
    office.clock.advance(seconds=LEASE.total_seconds())
    assert office.token() == "access-1"


def test_a_worker_that_outlived_its_lease_does_not_overwrite_its_successor(office):
    def held_up():
        office.authority.busy = lambda: None
        office.clock.advance(seconds=31)
        assert office.token() == "access-2"

    office.authority.busy = held_up
    assert office.token() == "access-1"
    assert office.token() == "access-2"


def test_a_refused_token_is_replaced_once(office):
    worker, other = office.worker(), office.worker()
    office.token(worker)
    office.token(other)
    office.clock.advance(minutes=2)
    assert office.token(worker, refused="access-1") == "access-2"
    assert office.token(other, refused="access-1") == "access-2"
    assert office.refreshes == 2


def test_a_replacement_that_is_refused_as_well_is_not_replaced_at_once(office):
    worker = office.worker()
    office.token(worker)
    assert office.token(worker, refused="access-1") == "access-2"
    office.clock.advance(seconds=40)
    for one in (worker, office.worker()):
        with pytest.raises(Retryable, match="refuses a token") as caught:
            office.token(one, refused="access-2")
        assert caught.value.retry_after == 20
    assert office.refreshes == 2
    office.clock.advance(seconds=20)
    assert office.token(worker, refused="access-2") == "access-3"


def test_a_replacement_serves_who_was_refused_with_an_older_one(office):
    worker, other = office.worker(), office.worker()
    office.token(worker)
    office.token(other)
    office.token(worker, refused="access-1")
    assert office.token(other, refused="access-1") == "access-2"
    assert office.token(other) == "access-2"


def test_a_rotated_refresh_token_is_kept_before_the_access_token_is_used():
    office = Office(rotates=True)
    for number in (1, 2, 3):
        assert office.token() == f"access-{number}"
        assert office.grants.secret.oauth.refresh_token == f"refresh-{number}"
        office.clock.advance(minutes=26)
    assert office.authority.refreshed_with == ["refresh-0", "refresh-1", "refresh-2"]
    assert office.grants.secret == replace(SECRET, oauth=replace(GRANT, refresh_token="refresh-3"))


def test_where_a_rotated_refresh_token_cannot_be_kept_its_access_token_is_not_used(monkeypatch):
    office = Office(rotates=True)

    def refuse(*_):
        raise Retryable("Secrets Manager: busy")

    monkeypatch.setattr(office.grants, "replace", refuse)
    with pytest.raises(Retryable, match="busy"):
        office.token()
    assert office.state.token("toy-main") is None


def test_a_worker_that_has_yet_to_hear_of_a_rotation_finds_the_token_of_the_new_grant(office):
    class Remembers(LocalGrants):
        """The secret as it was a while ago, unless it is asked for afresh."""

        def get(self, connection, *, fresh=False):
            return self.secret if fresh else SECRET

    office.grants = Remembers(SECRET)
    office.authority.rotates = True
    assert office.token(office.worker()) == "access-1"
    assert office.token(office.worker()) == "access-1"
    assert office.refreshes == 1


def test_a_token_of_an_earlier_grant_is_not_used(office):
    worker = office.worker()
    office.token(worker)
    office.authority.refresh_token = "of a new grant"
    new = replace(GRANT, refresh_token="of a new grant")
    office.grants.replace("toy-main", replace(SECRET, oauth=new))
    assert office.token(worker) == "access-2"


def test_a_dead_grant_puts_the_connection_to_rest_and_says_what_to_do(office):
    office.authority.trouble = CredentialsInvalid("the account has withdrawn the grant")
    with pytest.raises(CredentialsInvalid):
        office.token()
    [(until, reason)] = office.revoked
    assert until == office.clock.now() + REVOKED_FOR
    assert reason == "the account has withdrawn the grant; run emtiaz connect again"


def test_a_grant_that_lives_again_is_used_at_once(office):
    office.authority.trouble = CredentialsInvalid("the account has withdrawn the grant")
    with pytest.raises(CredentialsInvalid):
        office.token()
    office.authority.trouble = None
    assert office.token() == "access-2"


def test_where_the_crm_gives_no_token_the_living_one_serves(office):
    office.token()
    office.clock.advance(minutes=26)
    office.authority.trouble = CrmUnavailable("answered 503")
    assert office.token() == "access-1"
    assert office.refreshes == 2


def test_a_crm_that_gives_no_token_is_asked_once_in_a_while(office):
    office.authority.trouble = CrmUnavailable("answered 503")
    with pytest.raises(CrmUnavailable):
        office.token()
    office.authority.trouble = None
    assert office.token() == "access-2"
    assert office.waited >= REST.total_seconds()


def test_a_crm_that_says_when_to_ask_for_tokens_again_is_asked_by_nobody_before(office):
    office.authority.trouble = RateLimited("too many tokens", retry_after=600)
    for _ in range(30):
        with pytest.raises(Retryable):
            office.token()
    assert office.refreshes == 1
    office.clock.advance(minutes=10)
    office.authority.trouble = None
    assert office.token() == "access-2"


def test_a_token_that_was_refused_does_not_serve_though_no_other_is_to_be_had(office):
    office.token()
    office.clock.advance(minutes=2)
    office.authority.trouble = CrmUnavailable("answered 503")
    with pytest.raises(CrmUnavailable):
        office.token(refused="access-1")


def test_racing_workers_renew_once(office):
    start = Barrier(8)

    def run(worker):
        start.wait()
        return office.token(worker)

    with ThreadPoolExecutor(8) as crowd:
        tokens = list(crowd.map(run, [office.worker() for _ in range(8)]))
    assert tokens == ["access-1"] * 8
    assert office.refreshes == 1


def test_a_command_begins_with_the_token_that_it_was_just_given():
    clock = FakeClock()
    made = AccessToken("just made", clock.now() + timedelta(minutes=30), "refresh-0")
    access = local_access(SECRET, clock, token=made)
    assert access.token(pytest.fail) == "just made"
    assert access.now() == clock.now()
    access.enter(Rate("calls", 100, 10.0))


def test_what_is_kept_does_not_show_its_token(office):
    office.token()
    assert "access-1" not in repr(office.state.token("toy-main"))
