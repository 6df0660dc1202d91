"""What an organisation is asked for. There is no app to write: a client has nothing but a name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from chalicelib.core.policy import Attribute
from infra.crm.zoho import scopes

CRM = "zoho"


def oauth_scopes(
    attributes: Sequence[Attribute], folder: Path | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Required scopes, and optional ones; Zoho's page asks for all of both."""
    del folder
    held = [one for one in attributes if CRM in one.fields]
    kinds = {one.of for one in held}
    modules = {one.fields[CRM].partition(".")[0] for one in held if "." in one.fields[CRM]}
    required = (
        *scopes.BASE,
        *(scope for kind, some in scopes.OF_KIND.items() if kind in kinds for scope in some),
        *(scope for module, scope in scopes.OF_MODULE.items() if module in modules),
    )
    return required, scopes.OPTIONAL


def lacking(wanted: Sequence[str], granted: Collection[str]) -> list[str]:
    """What none of the scopes that were granted opens."""
    return [scope for scope in wanted if not scopes.is_granted(scope, granted)]
