"""The policy: an admin's page, checked, versioned and compiled into what scoring reads."""

from chalicelib.policy.compilation import compile_policy
from chalicelib.policy.problem import PolicyInvalid, Problem
from chalicelib.policy.validation import validate
from chalicelib.policy.version import version_of

__all__ = ["PolicyInvalid", "Problem", "compile_policy", "validate", "version_of"]
