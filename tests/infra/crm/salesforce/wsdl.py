"""Whether a file of the Metadata API is what Salesforce's WSDL says of its type.

The order of members is not looked at: the platform does not either, and its own files would fail.
"""

from xml.etree import ElementTree as ET

SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

_PLAIN = {
    "boolean": lambda text: text in ("true", "false"),
    "int": lambda text: int(text) is not None,
    "double": lambda text: float(text) is not None,
}


class Wsdl:
    def __init__(self, path):
        root = ET.parse(path).getroot()
        self._types = {
            one.get("name"): one
            for kind in ("complexType", "simpleType")
            for one in root.iter(SCHEMA + kind)
            if one.get("name")
        }

    def faults(self, text):
        """What is wrong, as lines; none of a file that is right."""
        root = ET.fromstring(text)
        name = _local(root.tag)
        if name not in self._types:
            return [f"{name} is no type of metadata"]
        return list(self._faults(root, name, name))

    def members(self, name):
        """The types of a complex type's members, by name, those that it inherits included."""
        found = {}
        complex_type = self._types[name]
        extension = complex_type.find(f"{SCHEMA}complexContent/{SCHEMA}extension")
        if extension is not None:
            found |= self.members(_local(extension.get("base")))
        for one in complex_type.iter(f"{SCHEMA}element"):
            found[one.get("name")] = _local(one.get("type", ""))
        return found

    def required(self, name):
        complex_type = self._types[name]
        extension = complex_type.find(f"{SCHEMA}complexContent/{SCHEMA}extension")
        inherited = self.required(_local(extension.get("base"))) if extension is not None else set()
        own = {
            one.get("name")
            for one in complex_type.iter(f"{SCHEMA}element")
            if one.get("minOccurs") != "0"
        }
        return inherited | own

    def _faults(self, element, name, way):
        name = _local(element.get(TYPE, name))
        if name in self._types and self._types[name].tag == f"{SCHEMA}complexType":
            members = self.members(name)
            for child in element:
                tag = _local(child.tag)
                if tag in members:
                    yield from self._faults(child, members[tag], f"{way}/{tag}")
                else:
                    yield f"{way} has no member {tag}"
        else:
            yield from self._text_faults(element, name, way)

    def _text_faults(self, element, name, way):
        text = element.text or ""
        if name in self._types:
            values = [one.get("value") for one in self._types[name].iter(f"{SCHEMA}enumeration")]
            if values and text not in values:
                yield f"{way} is {text!r}, none of {name}"
            return
        try:
            is_right = _PLAIN.get(name, lambda _text: True)(text)
        except ValueError:
            is_right = False
        if not is_right:
            yield f"{way} is {text!r}, no {name}"


def _local(name):
    return name.rpartition("}")[2].rpartition(":")[2]
