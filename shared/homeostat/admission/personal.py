"""Personal data that is known by its form: e-mail addresses, phone numbers, cards, IBANs, checksummed national ids.

Few false alarms come before completeness: what has a check digit is checked, a phone number needs its `+`, and in an
id of a machine (`of="id"`) digits in a row, or with dashes and dots, are a number: one in fifty of those with sixteen
digits has the form of a card. What is personal in another way only a contract can say (`personal_features`).

Sources: RFC 5322 and 1035 (addresses), ITU-T E.164 (phone numbers), ISO/IEC 7812 (cards), ISO 13616 (IBANs).
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final, Literal, NamedTuple

import numpy as np

from homeostat.admission.checksums import is_card, is_cf, is_cpf, is_dni, is_ean, is_iban, is_nir, is_phone

Kind = Literal["an e-mail address", "a phone number", "a card number", "an IBAN", "a national id"]

Of = Literal["text", "name", "id"]
"""What a text is: words of people; a name somebody gave (no digits in a row are a Spanish id); an id of a machine."""


class Found(NamedTuple):
    """A piece of a text.

    Args:
        start: First character.
        end: Behind the last one.
        kind: What it has the form of.
    """

    start: int
    end: int
    kind: Kind


_DIGITS: Final = 16
"""Of the digest in the place of a piece: tells the pieces of a deployment apart."""

_GAP: Final = r"[ \-\u00a0]?"
_BEFORE: Final = r"(?<![0-9A-Za-z])"
_AFTER: Final = r"(?![0-9A-Za-z])"

_EMAIL: Final = re.compile(
    r"(?<![\w.+\-])[\w.+\-]{1,64}+@(?:[\w\-]+\.)*[\w\-]*[^\W\d_][\w\-]*\.[^\W\d_]{2,24}(?!\w|:\S|-\w)"
)
"""Of a label before the last one a letter is wanted (`pkg@1.2.rc` is a version); `git@host:path` is no address."""

_EMAIL_QUOTED: Final = re.compile(
    r"(?<![\w.+\-])[\w.+\-]{1,64}+%40(?:[\w\-]+\.)*[\w\-]*[^\W\d_][\w\-]*\.[^\W\d_]{2,24}\b"
)
"""The same inside a URL."""

_PHONE: Final = re.compile(r"(?<![\w+/=.\-])\+(?:[0-9][ .()/\-\u00a0]{0,2}){7,14}[0-9](?!\w)")
_CARD_GROUPED: Final = re.compile(
    rf"(?<![0-9A-Za-z.,])(?:[0-9]{{4}}([ \-\u00a0])[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}(?:\1[0-9]{{1,3}})?"
    rf"|[0-9]{{4}}([ \-\u00a0])[0-9]{{6}}\2[0-9]{{4,5}}){_AFTER}"
)
_CARD: Final = re.compile(r"(?<![0-9A-Za-z.,])[0-9]{13,19}(?!\.?[0-9A-Za-z])")
_IBAN: Final = re.compile(rf"{_BEFORE}[A-Z]{{2}}[0-9]{{2}}(?={_GAP}[A-Z0-9])")
_IBAN_TEXT: Final = re.compile(_IBAN.pattern, re.IGNORECASE | re.ASCII)
_IBAN_REST: Final = re.compile(r"(?: ?[A-Z0-9]){11,30}")
"""Of an id, without dashes: a UUID has them."""

_IBAN_TEXT_REST: Final = re.compile(rf"(?:{_GAP}[A-Z0-9]){{11,30}}", re.IGNORECASE | re.ASCII)
_CPF: Final = re.compile(rf"{_BEFORE}[0-9]{{3}}\.[0-9]{{3}}\.[0-9]{{3}}-[0-9]{{2}}{_AFTER}")
_AHV: Final = re.compile(rf"{_BEFORE}756\.[0-9]{{4}}\.[0-9]{{4}}\.[0-9]{{2}}{_AFTER}")
_CF: Final = re.compile(rf"{_BEFORE}[A-Z]{{6}}[0-9]{{2}}[A-EHLMPRST][0-9]{{2}}[A-Z][0-9]{{3}}[A-Z]{_AFTER}")
_NIR: Final = re.compile(rf"{_BEFORE}[12] [0-9]{{2}} [0-9]{{2}} [0-9]{{2}} [0-9]{{3}} [0-9]{{3}} [0-9]{{2}}{_AFTER}")
_DNI: Final = re.compile(rf"{_BEFORE}(?:[0-9]{{8}}|[XYZ][0-9]{{7}})-?[A-HJ-NP-TV-Z]{_AFTER}")


def _shape_of(*, is_lower_upper: bool) -> bytes:
    """Class of each byte: digits `0`, capitals `A`, small letters `a`; `- . space` themselves, all else a new line."""
    table = bytearray(b"\n" * 256)
    for byte in b"-. ":
        table[byte] = byte
    for byte in range(128):
        if chr(byte).isdigit():
            table[byte] = ord("0")
        elif chr(byte).isupper():
            table[byte] = ord("A")
        elif chr(byte).islower():
            table[byte] = ord("A" if is_lower_upper else "a")
    return bytes(table)


_SHAPE_ID: Final = _shape_of(is_lower_upper=False)
_SHAPE_TEXT: Final = _shape_of(is_lower_upper=True)
_MANY: Final = 4096
"""Bytes from which numpy is faster."""

_A, _LETTERS = np.uint8(ord("A")), np.uint8(26)
_BEFORE_IBAN: Final = (b"\n", b"-", b" ", b".")


def find(text: str, of: Of = "text") -> list[Found]:
    """Find what has the form of personal data, by place, without overlaps.

    Args:
        text: Of any length; the time is proportional to it.
        of: What it is; several of a kind may be joined by new lines.
    """
    found = sorted(_found(text, text.encode("utf-8", "surrogatepass"), of))
    kept, end = list[Found](), 0
    for one in found:
        if one.start >= end:
            kept.append(one)
            end = one.end
    return kept


def holds(text: str, of: Of = "text") -> Kind | None:
    """Return the kind of some personal data in a text; None if there is none."""
    return next((one.kind for one in _found(text, text.encode("utf-8", "surrogatepass"), of)), None)


def _found(text: str, raw: bytes, of: Of) -> Iterator[Found]:
    """Look for single bytes, then for shapes, and only where there are such by pattern: ids come by the million."""
    is_id, has_space = of == "id", b" " in raw or b"\xa0" in raw
    if b"@" in raw:
        yield from _all(_EMAIL, text, "an e-mail address")
    if b"%" in raw:
        yield from _all(_EMAIL_QUOTED, text, "an e-mail address")
    if b"+" in raw:
        yield from _all(_PHONE, text, "a phone number", is_phone)
    may_be_iban = not is_id or _has_capital(raw)
    if not (may_be_iban or has_space):
        return
    shape = b"\n" + raw.translate(_SHAPE_ID if is_id else _SHAPE_TEXT)
    marks = [mark for mark in _BEFORE_IBAN if mark == b"\n" or mark in raw] if may_be_iban else []
    if any(_may_begin_iban(shape, mark + b"AA00", is_id=is_id) for mark in marks):
        yield from _ibans(text, *((_IBAN, _IBAN_REST) if is_id else (_IBAN_TEXT, _IBAN_TEXT_REST)))
    if may_be_iban and b"AAAAAA00A00A000A" in shape:
        yield from _all(_CF, text, "a national id", is_cf)
    if b"0000" in shape and (has_space or not is_id):
        yield from _all(_CARD_GROUPED, text, "a card number", is_card)
    if has_space and b"0 00 00 00 000 000 00" in shape:
        yield from _all(_NIR, text, "a national id", is_nir)
    if is_id:
        return
    if b"000.000.000-00" in shape:
        yield from _all(_CPF, text, "a national id", is_cpf)
    if b"000.0000.0000.00" in shape:
        yield from _all(_AHV, text, "a national id", is_ean)
    if b"0000000000000" in shape:
        yield from _all(_CARD, text, "a card number", is_card)
    if of == "text" and b"0000000" in shape:
        yield from _all(_DNI, text, "a national id", is_dni)


def _has_capital(raw: bytes) -> bool:
    if len(raw) < _MANY:
        return raw.lower() != raw
    return bool(np.count_nonzero((np.frombuffer(raw, np.uint8) - _A) < _LETTERS))  # below A it wraps around


def _may_begin_iban(shape: bytes, needle: bytes, *, is_id: bool) -> bool:
    """Whether letters and digits, or in a text anything, follow: a UUID in capitals has many a beginning, and ends."""
    at = shape.find(needle)
    while at >= 0:
        if not is_id or shape[at + 5 : at + 16].replace(b" ", b"").isalnum():
            return True
        at = shape.find(needle, at + 1)
    return False


def _all(
    pattern: re.Pattern[str], text: str, kind: Kind, is_valid: Callable[[str], bool] | None = None
) -> Iterator[Found]:
    for match in pattern.finditer(text):
        if is_valid is None or is_valid(match.group()):
            yield Found(match.start(), match.end(), kind)


def _ibans(text: str, beginning: re.Pattern[str], more: re.Pattern[str]) -> Iterator[Found]:
    """An IBAN ends where its country says, whatever word follows."""
    for match in beginning.finditer(text):
        rest = more.match(text, match.end())
        if rest and (end := is_iban(text, match.start(), rest.end())):
            yield Found(match.start(), end, "an IBAN")


def rows_of(ids: Sequence[str]) -> dict[int, Kind]:
    """Find the rows of a column of ids that hold personal data; no work is done per row where none does."""
    found = find("\n".join(ids), "id")
    if not found:
        return {}
    starts = list(accumulate((len(id_) + 1 for id_ in ids), initial=0))
    return {bisect_right(starts, one.start) - 1: one.kind for one in found}


def redacted(text: str, digest: Callable[[str], str], of: Of = "text") -> tuple[str, tuple[Kind, ...]]:
    """Put a digest in the place of each piece of personal data.

    Args:
        text: A text.
        digest: Salted digest of a piece, hex, of which 16 digits are kept; empty where there is no salt.
        of: See `find`.

    Returns:
        The text, and what was found.
    """
    found, pieces, end = find(text, of), list[str](), 0
    for one in found:
        name = one.kind.split(" ", 1)[1]
        mark = f"{name} {digest(text[one.start : one.end])[:_DIGITS]}".rstrip()
        pieces += [text[end : one.start], f"[{mark}]"]
        end = one.end
    return "".join([*pieces, text[end:]]), tuple(dict.fromkeys(one.kind for one in found))
