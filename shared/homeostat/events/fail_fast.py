"""Validation that ends at the first wrong element: a million of them would cost a gigabyte of errors."""

from typing import Any, Final

_COLLECTIONS: Final = ("list", "tuple", "dict", "set", "frozenset")


def fail_fast(schema: Any) -> Any:
    """Return a schema of pydantic-core whose collections stop at their first error; the rest is as it was."""
    if isinstance(schema, dict):
        found = {name: fail_fast(part) if name != "ref" else part for name, part in schema.items()}
        return found | {"fail_fast": True} if schema.get("type") in _COLLECTIONS else found
    if isinstance(schema, list):
        return [fail_fast(part) for part in schema]
    return schema
