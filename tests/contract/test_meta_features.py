"""The schema of the meta-features is what the document says; that the fold computes it is tested beside the store.

`python tests/contract/test_meta_features.py` writes the generated part of `docs/meta-features.md` anew.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.events.meta_features import SCHEMA

DOCUMENT = Path(__file__).parents[2] / "docs" / "meta-features.md"
BEGIN, END = "<!-- generated: python tests/contract/test_meta_features.py -->", "<!-- /generated -->"


def generated() -> str:
    """The schema as a table."""
    rows = "\n".join(f"| `{f.name}` | {f.meaning} | [{f.low:g}, {f.high:g}] |" for f in SCHEMA.features)
    facts = f"Schema `{SCHEMA.version}`; owner: {SCHEMA.owner}; fresh for {SCHEMA.freshness_seconds:,.0f} seconds."
    return f"{BEGIN}\n{facts}\n\n| name | meaning | range |\n|---|---|---|\n{rows}\n{END}"


def replaced(text: str) -> str:
    """The document with its generated part renewed."""
    before, _, rest = text.partition(BEGIN)
    return before + generated() + rest.partition(END)[2]


def test_the_owner_is_a_service() -> None:
    """The folder whose code computes them."""
    assert (Path(__file__).parents[2] / "services" / SCHEMA.owner / "drift" / "profile.py").exists()


def test_the_document_is_that_of_the_schema() -> None:
    """To renew: `python tests/contract/test_meta_features.py`."""
    text = DOCUMENT.read_text("utf-8")

    assert text == replaced(text), "out of date: run `python tests/contract/test_meta_features.py`"


@pytest.mark.parametrize("change", ["name", "meaning", "low"])
def test_another_schema_has_another_version(change: str) -> None:
    """Names, meanings and ranges make the version; who owns it does not."""
    first, *rest = SCHEMA.features
    other = {"name": replace(first, name="x"), "meaning": replace(first, meaning="x"), "low": replace(first, low=-1.0)}

    assert replace(SCHEMA, features=(other[change], *rest)).version != SCHEMA.version
    assert replace(SCHEMA, owner="intake").version == SCHEMA.version


if __name__ == "__main__":
    DOCUMENT.write_text(replaced(DOCUMENT.read_text("utf-8")), encoding="utf-8")
