"""Personal data is known by its form: what has check digits is checked, and ids of machines pass."""

import secrets
import time
from hashlib import sha256
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.admission.personal import find, holds, redacted, rows_of

EVERYWHERE = [
    ("john.doe@example.com", "an e-mail address"),
    ("mailto:j+x@a-b.co.uk,", "an e-mail address"),
    ("user=a%40b.com", "an e-mail address"),
    ("müller@straße.de", "an e-mail address"),
    ("+49 30 1234567", "a phone number"),
    ("tel:+12025550123", "a phone number"),
    ("+1 (202) 555-0123", "a phone number"),
    ("4111 1111 1111 1111", "a card number"),
    ("3782 822463 10005", "a card number"),
    ("5500 0055 5555 5559", "a card number"),
    ("DE89370400440532013000", "an IBAN"),
    ("GB82 WEST 1234 5698 7654 32", "an IBAN"),
    ("NO9386011117947", "an IBAN"),
    ("RSSMRA85T10A562S", "a national id"),
    ("1 85 05 78 006 084 91", "a national id"),
]
IN_TEXTS = [
    ("4111111111111111", "a card number"),
    ("378282246310005", "a card number"),
    ("12345678Z", "a national id"),
    ("5500-0055-5555-5559", "a card number"),
    ("529.982.247-25", "a national id"),
    ("756.9217.0769.85", "a national id"),
    ("de89370400440532013000", "an IBAN"),
]
NOWHERE = [
    "git@github.com:acme/jobs",
    "pkg@1.2.rc",
    "x@localhost",
    "image@sha256:abcdef",
    "+20 000 000 000",
    "+5 %",
    "2024-01-01T00:00:00+01:00",
    "4111 1111 1111 1112",
    "0.4111111111111111",
    "1700000000123456",
    "20240601123000",
    "DE89370400440532013001",
    "DE8937040044",
    "529.982.247-26",
    "20240601A",
    "00000000-0000-4000-8000-000000000000",
    "000.000.000-00",
    "/homeostat/governor/homeostat.governance/0#12.3",
    "",
]


@pytest.mark.parametrize(("text", "kind"), EVERYWHERE)
def test_what_has_the_form_is_found_in_texts_names_and_ids(text: str, kind: str) -> None:
    """Alone, and with words around it."""
    assert (holds(text), holds(text, "name"), holds(text, "id")) == (kind,) * 3
    assert holds(f"ask ({text}) today") == kind


@pytest.mark.parametrize(("text", "kind"), IN_TEXTS)
def test_digits_in_a_row_are_a_number_in_an_id(text: str, kind: str) -> None:
    """Digits without spaces may be any number of a machine; in a text, or a name that people gave, they are a card."""
    assert holds(text) == kind
    assert holds(text, "name") == (None if text == "12345678Z" else kind)
    assert holds(text, "id") is None


@pytest.mark.parametrize("text", NOWHERE)
def test_what_only_resembles_passes(text: str) -> None:
    """Check digits, country codes, top-level domains, amounts, dates and versions are looked at."""
    assert holds(text) is holds(text, "name") is holds(text, "id") is None


def test_ids_of_machines_pass() -> None:
    """None of a million: UUIDs, hashes, integers of any length, tokens, ULIDs, trace ids, in any case."""
    chance = Random(4)
    ids: list[str] = []
    for n in range(100_000):
        raw = sha256(str(n).encode()).hexdigest()
        uuid = str(UUID(int=chance.getrandbits(128)))
        ids += [raw, raw[:16], raw[:22].upper(), uuid, uuid.upper()]
        ids += [str(chance.getrandbits(53)), f"{chance.randrange(10**16):016d}", f"{chance.randrange(10**19):019d}"]
        ids += [f"req-{n}.{n % 97}", "".join(chance.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=26))]

    assert rows_of(ids) == {}
    assert rows_of([secrets.token_urlsafe(16) for _ in range(1000)]) == {}


@given(st.lists(st.sampled_from(["r1", "a@b.de", "DE89370400440532013000", "0" * 40, "ü"]), min_size=1, max_size=20))
def test_rows_are_those_that_hold_something(ids: list[str]) -> None:
    """The column at once says what each id says alone."""
    assert sorted(rows_of(ids)) == [row for row, id_ in enumerate(ids) if holds(id_, "id")]


@given(st.text(max_size=200))
def test_whatever_is_in_a_text_it_is_looked_through(text: str) -> None:
    """Lone surrogates, new lines, anything; what is found lies in it, in order, and is gone when it is redacted."""
    found = find(text)

    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert found == sorted(found)
    assert not found or holds(redacted(text, lambda _: "0" * 64)[0]) is None


def test_only_the_piece_is_replaced() -> None:
    """Two digests of one piece are the same; the words around them stay."""
    text, kinds = redacted("a@b.de wrote to c@d.fr, then a@b.de", lambda piece: sha256(piece.encode()).hexdigest())

    first, second = sha256(b"a@b.de").hexdigest()[:16], sha256(b"c@d.fr").hexdigest()[:16]
    assert text == f"[e-mail address {first}] wrote to [e-mail address {second}], then [e-mail address {first}]"
    assert kinds == ("an e-mail address",)
    assert redacted("call +49 30 1234567", lambda _: "")[0] == "call [phone number]"


@pytest.mark.parametrize(
    "unit", ["@", "a.", "+1", "DE89", "1 ", "A1-", "a@b.", "%40", "4111 ", "a%40b.", "00000000Z", "1.2@", "+1("]
)
def test_no_text_takes_long(unit: str) -> None:
    """Half a megabyte of whatever a pattern begins with: the time is proportional to the length."""
    text = unit * (500_000 // len(unit))

    begun = time.process_time()
    find(text)

    assert time.process_time() - begun < 5.0
