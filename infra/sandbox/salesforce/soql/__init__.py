"""SOQL, as much of it as a connector needs, and as strict as Salesforce is about that."""

from infra.sandbox.salesforce.soql.answer import Answer, answer
from infra.sandbox.salesforce.soql.parser import parse

__all__ = ["Answer", "answer", "parse"]
