"""Attributes of policies, as those who write files for HubSpot see them."""

from pathlib import Path

import yaml
from hypothesis import strategies as st

from chalicelib.core.policy import Attribute
from chalicelib.policy import compile_policy

URL = "https://emtiaz.example/v1/hooks/hubspot-main"
STARTER = compile_policy(
    yaml.safe_load(Path("chalicelib/policy/shipped/starter.yaml").read_text("utf-8"))
).attributes


def attribute(of, field, type_="text"):
    return Attribute(f"{of}_{field}", type_, of, {"hubspot": field})


names = st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True) | st.sampled_from(
    ["lastmodifieddate", "hs_lastmodifieddate", "num_unique_conversion_events", "emtiaz_score"]
)
attributes = st.lists(
    st.builds(
        attribute,
        st.sampled_from(["contact", "lead", "account", "deal", "ticket", "line_item", "survey"]),
        names,
        st.sampled_from(["text", "number", "activity"]),
    )
)
