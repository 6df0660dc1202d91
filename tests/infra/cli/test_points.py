"""Points by hand, and the keys of the API: the same use cases with the admin's own identity."""

import re

import pytest

from chalicelib.core.model import Ref
from chalicelib.points.keys import is_right, parse
from tests.fakes.points import BOTH, Shop
from tests.pipeline.conftest import CONNECTION

TOY = ("--connection", CONNECTION)
ANNA = f"{CONNECTION}:contact:1"
ME = "arn:aws:iam::123456789012:user/ada"


@pytest.fixture
def shop(installation):
    return Shop(installation.fakes)


def test_a_balance_is_shown(emtiaz, shop):
    told = emtiaz("points", "balance", ANNA, "--json").json
    assert (told["customer"], told["points"], told["tier"]) == (ANNA, 100, "basic")
    assert told == shop.ask("balance", id="1").body
    assert ["points", "100"] in emtiaz("points", "balance", ANNA).cells


def test_a_statement_is_shown_newest_first(emtiaz, shop):
    shop.redeem("a", points=30)
    newest, oldest = emtiaz("points", "statement", ANNA).cells
    assert newest[2:4] == ["-30", "70"]
    assert oldest[2:4] == ["+100", "100"]
    told = emtiaz("points", "statement", ANNA, "--limit", 1, "--json").json
    assert (len(told["lines"]), told["before"]) == (1, 2)


def test_a_quote_is_in_whole_units(emtiaz, shop):
    told = emtiaz("points", "quote", ANNA, "--amount", "19.99", "--json").json
    assert (told["points"], told["then"]["points"]) == (19, 119)
    cells = emtiaz("points", "quote", ANNA, "--amount", "900").cells
    assert ["trip", "900", "within reach"] in cells
    assert emtiaz("points", "quote", ANNA, "--amount", "much").code == 2
    assert emtiaz("points", "quote", ANNA, "--amount", "-1").code == 2


def test_points_are_spent_once_per_key_by_whoever_is_signed_in(emtiaz, shop):
    asked = ("points", "redeem", ANNA, "--points", 30, "--key", "order-7")
    first = emtiaz(*asked, "--json").json
    assert first["balance"] == 70
    assert emtiaz(*asked, "--json").json == first
    (newest, *_) = shop.ask("statement", id="1").body["lines"]
    assert newest["actor"] == ME
    assert shop.points() == 70


def test_without_a_key_every_call_is_another(emtiaz, shop):
    keys = {emtiaz("points", "redeem", ANNA, "--points", 1, "--json").json["redemption"]}
    keys |= {emtiaz("points", "redeem", ANNA, "--points", 1, "--json").json["redemption"]}
    assert len(keys) == 2
    assert shop.points() == 98


def test_a_reward_is_taken_and_given_back(emtiaz, shop):
    taken = emtiaz("points", "redeem", ANNA, "--reward", "film", "--key", "a", "--json").json
    assert taken["code"] == "F-1"
    assert ["balance", "100"] in emtiaz("points", "cancel", ANNA, "--redemption", "a").cells


def test_points_are_adjusted_with_the_name_of_who_is_signed_in(emtiaz, shop):
    given = emtiaz("loyalty", "adjust", ANNA, "--points", -20, "--reason", "typed twice", "--json")
    assert given.json["balance"] == 80
    (newest, *_) = shop.ask("statement", id="1").body["lines"]
    assert (newest["actor"], newest["text"]["en"]) == (ME, "Adjusted by hand: typed twice")


@pytest.mark.parametrize(
    "asked",
    [
        ("points", "redeem", ANNA, "--points", 30),
        ("points", "redeem", ANNA, "--reward", "cup"),
        ("points", "cancel", ANNA, "--redemption", "before"),
        ("loyalty", "adjust", ANNA, "--points", 5, "--reason", "late"),
    ],
)
def test_a_dry_run_changes_nothing(emtiaz, shop, asked):
    shop.redeem("before", points=1)
    before = shop.store.load(Ref.parse(ANNA))
    outcome = emtiaz(*asked, "--dry-run")
    assert (outcome.code, outcome.err) == (0, "nothing was changed\n")
    assert "balance" in outcome.out
    assert shop.store.load(Ref.parse(ANNA)) == before


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (("redeem", ANNA, "--points", 101), 4),
        (("redeem", ANNA), 2),
        (("redeem", ANNA, "--points", 1, "--reward", "cup"), 2),
        (("redeem", f"{CONNECTION}:contact:404", "--points", 1), 4),
        (("balance", "anna"), 2),
        (("cancel", ANNA, "--redemption", "never"), 4),
    ],
)
def test_what_cannot_be_is_refused(emtiaz, shop, asked, code):
    outcome = emtiaz("points", *asked)
    assert outcome.code == code
    assert shop.points() == 100


def test_a_key_is_made_and_shown_once_and_opens_the_api(emtiaz, shop):
    asked = ("points", "keys", "create", "--name", "online-shop", *TOY)
    text = emtiaz(*asked, "--scope", "points:write").out.strip()
    assert re.fullmatch(r"emk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", text)
    shown = parse(f"Bearer {text}")
    key = shop.settings.api_key(CONNECTION, shown.id)
    assert is_right(shown, key)
    assert (key.name, key.scopes) == ("online-shop", ("points:write",))
    listed = emtiaz("points", "keys", "list", *TOY)
    assert shown.id in listed.out
    assert shown.secret not in listed.out


def test_a_key_may_read_unless_more_is_asked_for(emtiaz, shop):
    asked = ("points", "keys", "create", "--name", "app", *TOY)
    assert emtiaz(*asked, "--json").json["scopes"] == ["points:read"]
    more = ("--scope", "points:write", "--scope", "points:read", "--json")
    assert emtiaz(*asked, *more).json["scopes"] == list(BOTH)
    assert emtiaz(*asked, "--scope", "points:steal").code == 2
    assert emtiaz(*asked[:-1], "toy-none").code == 1


def test_a_dry_run_makes_no_key(emtiaz, shop):
    before = shop.settings.api_keys(CONNECTION)
    outcome = emtiaz("points", "keys", "create", "--name", "app", *TOY, "--dry-run")
    assert "emk_" not in outcome.out + outcome.err
    assert shop.settings.api_keys(CONNECTION) == before


def test_a_key_that_is_taken_back_is_refused_and_still_listed(emtiaz, shop):
    (key,) = shop.settings.api_keys(CONNECTION)
    asked = ("points", "keys", "revoke", key.id, *TOY)
    assert emtiaz(*asked, "--dry-run").code == 0
    assert emtiaz(*asked).code == 4, "nobody can be asked"
    assert shop.ask("balance", id="1").status == 200
    assert emtiaz(*asked, "--yes").code == 0
    assert shop.ask("balance", id="1").status == 401
    assert emtiaz(*asked, "--yes").err == "shop: taken back already\n"
    (row,) = emtiaz("points", "keys", "list", *TOY, "--json").json
    assert row["revoked_at"] == "2026-03-21T12:00:00.000Z"
    assert "digest" not in row
    assert emtiaz("points", "keys", "revoke", "nosuchkey", *TOY, "--yes").code == 1
