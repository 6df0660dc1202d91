"""What is thrown at the address for webhooks; each CRM has a module beside this one."""

import json
from dataclasses import dataclass, field

import requests


@dataclass(frozen=True)
class Parcel:
    url: str
    body: bytes
    headers: dict = field(default_factory=dict)

    def post(self):
        """The status of the answer."""
        return requests.post(self.url, data=self.body, headers=self.headers, timeout=30).status_code


def deep(levels):
    return json.dumps([{"a": 0}]).replace("0", "[" * levels + "]" * levels).encode()
