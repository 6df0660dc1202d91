"""``emtiaz points``: balances and spending by hand, and the keys of the Points API.

Goes by the same use cases as the API, with the admin's own identity of AWS instead of a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Annotated, cast
from uuid import uuid4

import typer

from chalicelib.core.api_keys import SCOPES, ApiKey, Scope
from chalicelib.core.facts import iso
from chalicelib.core.model import Json, Language, Money, Ref
from chalicelib.loyalty.instructions import Adjust, Cancel, Instruction, Redeem, Wanted
from chalicelib.pipeline.points_api import balance_json, quote_json, statement_json
from chalicelib.pipeline.redeem import carry_out_for
from chalicelib.points.answers import entry_json
from chalicelib.points.keys import PREFIX, make
from infra.cli.console import confirm, note, say, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.installation import Installation
from infra.cli.options import (
    DEFAULT_STAGE,
    THE_ONLY_ONE,
    AsJson,
    Connection,
    DryRun,
    Record,
    Stage,
    Yes,
)

app = typer.Typer(
    name="points",
    help="Points of customers: look, quote, spend; and the keys of the Points API.",
    no_args_is_help=True,
)
keys = typer.Typer(name="keys", help="Keys of the Points API.", no_args_is_help=True)
app.add_typer(keys)


Key = Annotated[
    str,
    typer.Option(
        help="Name of this request: the same again is carried out once.",
        show_default="a new one, which is told",
    ),
]
Reason = Annotated[str, typer.Option(help="What for; stands in the statement.")]


@app.command()
def balance(*, who: Record, stage: Stage = DEFAULT_STAGE, as_json: AsJson = False) -> None:
    """Show how a customer stands: points, tier, what expires next."""
    told = balance_json(who, Installation.find(stage).services)
    if as_json:
        show_json(told)
        return
    names = ("customer", "points", "pending", "debt", "tier", "valid_until")
    rows = [(name, told[name]) for name in names if told[name] is not None]
    show_table(("", ""), [*rows, *_expiring(told)])


@app.command()
def statement(
    *,
    who: Record,
    before: Annotated[
        int | None, typer.Option(help="Lines before this number.", show_default="the newest")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many lines.")] = 50,
    language: Annotated[Language, typer.Option(help="Of the texts.")] = "en",
    stage: Stage = DEFAULT_STAGE,
    as_json: AsJson = False,
) -> None:
    """Show the ledger of a customer, newest first."""
    told = statement_json(who, Installation.find(stage).services, before=before, limit=limit)
    if as_json:
        show_json(told)
        return
    lines = cast("list[dict[str, Json]]", told["lines"])
    columns = ("number", "at", "points", "balance", "what", "by")
    show_table(columns, [_line(one, language) for one in lines])


@app.command()
def quote(
    *,
    who: Record,
    amount: Annotated[str, typer.Option(help="Of the purchase, in whole units: 19.99.")],
    currency: Annotated[
        str, typer.Option(help="Three letters; toman as IRT.", show_default="the connection's")
    ] = "",
    stage: Stage = DEFAULT_STAGE,
    as_json: AsJson = False,
) -> None:
    """Show what a purchase would bring: points, tier, rewards within reach. Keeps nothing."""
    services = Installation.find(stage).services
    code = currency or services.settings.live(who.connection).connection.currency
    told = quote_json(who, {"amount": _money(amount, code).to_json()}, services)
    if as_json:
        show_json(told)
        return
    then = cast("Mapping[str, Json]", told["then"])
    rows = [("points", told["points"]), ("pending", told["pending"])]
    rows += [("points then", then["points"]), ("tier then", then["tier"])]
    show_table(("", ""), [(name, value) for name, value in rows if value is not None])
    rewards = cast("list[dict[str, Json]]", told["rewards"])
    show_table(("reward", "cost", ""), [_offer(one) for one in rewards])


@app.command()
def redeem(  # noqa: PLR0913  # one per option
    *,
    who: Record,
    points: Annotated[int, typer.Option(min=0, help="How many, if no reward is named.")] = 0,
    reward: Annotated[str, typer.Option(help="Id of a reward of the policy.")] = "",
    key: Key = "",
    reason: Reason = "",
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Spend points, or take a reward for them: all or nothing."""
    if bool(points) == bool(reward):
        raise typer.BadParameter("write either --points or --reward")
    wanted = Redeem(points, reward, reason)
    carry_out(who, wanted, key, stage, dry_run=dry_run, as_json=as_json)


@app.command()
def cancel(
    *,
    who: Record,
    redemption: Annotated[str, typer.Option(help="Key that it was redeemed with.")],
    key: Key = "",
    reason: Reason = "",
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give back what a redemption took; a reward's code is not given out again."""
    wanted = Cancel(redemption, reason)
    carry_out(who, wanted, key, stage, dry_run=dry_run, as_json=as_json)


def adjust(
    *,
    who: Record,
    points: Annotated[int, typer.Option(help="How many to give, or to take if below 0.")],
    reason: Annotated[str, typer.Option(help="Why; stands in the statement with who you are.")],
    key: Key = "",
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give or take points of a customer of an installation by hand. Lifts no tier."""
    wanted = Adjust(points, Installation.find(stage).who, reason)
    carry_out(who, wanted, key, stage, dry_run=dry_run, as_json=as_json)


def carry_out(
    who: Ref, wanted: Wanted, key: str, stage: str, *, dry_run: bool, as_json: bool
) -> None:
    installation = Installation.find(stage)
    instruction = Instruction(key or uuid4().hex, installation.who, wanted)
    entry = carry_out_for(who, instruction, installation.services, dry_run=dry_run)
    told = entry_json(entry)
    if as_json:
        show_json(told)
    else:
        show_table(("", ""), list(told.items()))
    if dry_run:
        note("nothing was changed")


@keys.command("list")
def list_keys(
    *,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    as_json: AsJson = False,
) -> None:
    """List the keys of a connection, oldest first. Their secrets are kept nowhere."""
    found = Installation.find(stage).services.settings.api_keys(connection)
    if as_json:
        show_json([_key_json(one) for one in found])
        return
    rows = [tuple("" if cell is None else cell for cell in _row(one)) for one in found]
    show_table(("id", "name", "scopes", "created", "revoked"), rows)


@keys.command()
def create(
    *,
    name: Annotated[str, typer.Option(help="Who is to have it, as online-shop.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="points:read, or points:write, which may read too; repeatable.",
            show_default="points:read",
        ),
    ] = None,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once: what is kept cannot be turned back into it.

    Whoever has it can see, or spend, everybody's points: keep it on a server.
    """
    scopes = _scopes(scope or [SCOPES[0]])
    services = Installation.find(stage).services
    text, key = make(name, scopes, services.clock.now())
    if dry_run:
        note(f"a key for {name} with {', '.join(scopes)} would be made")
        return
    services.settings.put_api_key(connection, key)
    if as_json:
        show_json({**_key_json(key), "key": text})
    else:
        say(text)


@keys.command()
def revoke(
    *,
    identity: Annotated[str, typer.Argument(metavar="ID", help="As keys list shows it.")],
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Take a key back, for good: it is refused from the next request on."""
    services = Installation.find(stage).services
    key = services.settings.api_key(connection, identity.removeprefix(f"{PREFIX}_"))
    if key is None:
        raise Finding(f"{connection} has no key {identity}; see: emtiaz points keys list")
    if dry_run or key.revoked_at:
        note(f"{key.name}: {'taken back already' if key.revoked_at else 'would be taken back'}")
        return
    confirm(f"Who uses the key of {key.name} is refused from now on. Go on?", yes=yes)
    services.settings.put_api_key(connection, replace(key, revoked_at=services.clock.now()))
    note(f"the key of {key.name} is taken back")


def _scopes(told: list[str]) -> tuple[Scope, ...]:
    for one in told:
        if one not in SCOPES:
            raise typer.BadParameter(f"there is no scope {one}; there are {', '.join(SCOPES)}")
    return tuple(one for one in SCOPES if one in told)


def _money(amount: str, currency: str) -> Money:
    try:
        found = Money.from_decimal(Decimal(amount), currency)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise typer.BadParameter("write the amount as 19.99") from error
    if found.amount < 0:
        raise typer.BadParameter("write an amount from 0")
    return found


def _expiring(told: Mapping[str, Json]) -> list[tuple[str, object]]:
    match told["expiring"]:
        case {"text": {"en": str(text)}}:
            return [("expiring", text)]
    return []


def _line(line: Mapping[str, Json], language: Language) -> tuple[object, ...]:
    text = cast("Mapping[str, str]", line["text"])[language]
    points = cast(int, line["points"])
    return line["number"], line["at"], f"{points:+d}", line["balance"], text, line["actor"]


def _offer(offer: Mapping[str, Json]) -> tuple[object, ...]:
    match offer["refused"]:
        case {"en": str(text)}:
            return offer["id"], offer["cost"], text
    return offer["id"], offer["cost"], "within reach"


def _row(key: ApiKey) -> tuple[Json, ...]:
    revoked = iso(key.revoked_at) if key.revoked_at else None
    return key.id, key.name, " ".join(key.scopes), iso(key.created_at), revoked


def _key_json(key: ApiKey) -> dict[str, Json]:
    return {name: value for name, value in key.to_json().items() if name != "digest"}
