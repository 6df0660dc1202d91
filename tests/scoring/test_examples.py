"""The drawn pages leave out nothing that a policy may say, or the other tests would prove less."""

from hypothesis import Phase, given, seed, settings

from chalicelib.policy.schema import policy_schema
from tests.scoring.whole_pages import whole_pages

ANYTHING = {"/name", "/attributes"}
"""Sections of which it does not matter to a score what else stands in them."""

NOT_SCORED = {
    "/announcements",  # who is told of cards, and not what stands on them
    "/loyalty/rewards",  # a card says what there is to spend, and not on what
    "/loyalty/refunds",  # asked only where points that go back have been spent already
    "/loyalty/expired_grace_days",  # likewise, of a redemption that is cancelled
    "/loyalty/notify_days",  # a warning is an entry in a list; the card says the same before it
}
"""Members that no card of facts alone is made of; the tests of the ledger draw them."""

APART = {"#/$defs/group", "#/$defs/condition"}


def test_every_member_that_the_schema_knows_is_drawn():
    pages = [page for number in range(5) for page in drawn(number)]
    assert sorted(never_said(policy_schema(), pages)) == []


def drawn(number):
    """A few dozen pages, the same at every run."""
    pages = []

    @seed(number)
    @settings(max_examples=40, database=None, phases=[Phase.generate])
    @given(whole_pages)
    def draw(page):
        pages.append(page)

    draw()
    return pages


def never_said(schema, pages):
    """Paths of members of the schema that no page has.

    Groups and conditions are the same wherever they stand.
    """
    groups = [group for page in pages for group in page["lead"]["groups"]]
    groups += [group for page in pages for group in page["customer"]["components"]]
    told = {"": (schema, pages), "group": (schema["$defs"]["group"], groups)}
    told["condition"] = schema["$defs"]["condition"], [*conditions_in(pages)]
    for path, (node, values) in told.items():
        yield from Walk(schema["$defs"]).members(node, values, path)


def conditions_in(value):
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from conditions_in(inner)


class Walk:
    def __init__(self, definitions):
        self.definitions = definitions

    def members(self, node, values, path):
        if path in ANYTHING or node.get("$ref") in APART:
            return
        if "$ref" in node:
            named = self.definitions[node["$ref"].rpartition("/")[2]]
            yield from self.members(named, values, path)
            return
        for form in [one for one in node.get("allOf", []) if "then" in one]:
            model = form["if"]["properties"]["model"]["const"]
            of_model = [one for one in values if one["model"] == model]
            yield from self.members(form["then"], of_model, f"{path}[{model}]")
        if "allOf" not in node:
            yield from self.named(node, values, path)
        lists = [one for one in values if isinstance(one, list)]
        if "items" in node:
            yield from self.members(node["items"], [one for some in lists for one in some], path)

    def named(self, node, values, path):
        said = [one for one in values if isinstance(one, dict)]
        for name, inner in node.get("properties", {}).items():
            having = [one[name] for one in said if name in one]
            if having:
                yield from self.members(inner, having, f"{path}/{name}")
            elif f"{path}/{name}" not in NOT_SCORED:
                yield f"{path}/{name}"
        free = node.get("additionalProperties")
        if isinstance(free, dict):
            others = [one[name] for one in said for name in one.keys() - node.get("properties", {})]
            yield from self.members(free, others, f"{path}/*")
