"""Files of the Metadata API, as Salesforce's ``sf`` deploys them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"

Value = str | int | bool | Mapping[str, "Value"] | Iterable["Value"]
"""An element's text, its children by name, or several elements of one name."""


def document(root: str, content: Mapping[str, Value]) -> str:
    """Members come in their order.

    >>> print(document("CustomField", {"label": "A & B", "required": False}), end="")
    <?xml version="1.0" encoding="UTF-8"?>
    <CustomField xmlns="http://soap.sforce.com/2006/04/metadata">
        <label>A &amp; B</label>
        <required>false</required>
    </CustomField>
    """
    element = ET.Element(root, {"xmlns": NAMESPACE})
    _fill(element, content)
    ET.indent(element, "    ")
    text = ET.tostring(element, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _fill(element: ET.Element, content: Mapping[str, Value]) -> None:
    for name, value in content.items():
        for one in _each(value):
            child = ET.SubElement(element, name)
            if isinstance(one, Mapping):
                _fill(child, one)
            else:
                child.text = str(one).lower() if isinstance(one, bool) else str(one)


def _each(value: Value) -> Iterable[Value]:
    return [value] if isinstance(value, str | int | bool | Mapping) else value
