"""Whether digits that look like an account, a card or a person are one: length, country and check digits."""

import re
from typing import Final

_DIGITS: Final = re.compile(r"[^0-9]")
_BY_LENGTH: Final = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW",
    31: "MT SC",
    32: "LC",
}
"""Countries by the characters of an IBAN. Source: SWIFT, IBAN registry, release 99."""

_LENGTHS: Final = {code: length for length, codes in _BY_LENGTH.items() for code in codes.split()}

_ONLY_DIGITS: Final = (
    "AE AT BA BE CR CZ DE DK EE EG ES FI FO GL HR HU IL IS LT LY ME MR NO PL PT RS SD SE SI SK ST TN VA XK"
)
"""Countries whose IBAN has digits only behind its first two letters."""

_CARD: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}"
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}|(?:6011|64[4-9][0-9]|65[0-9]{2})[0-9]{12}|62[0-9]{14,17}"
)
"""Beginnings and lengths that card schemes have. Source: ISO/IEC 7812, as the schemes publish their ranges."""

_PHONE: Final = re.compile(
    r"1[2-9][0-9]{2}[2-9][0-9]{6}|7[0-9]{10}"
    r"|(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])[0-9]{8,13}"
    r"|(?:2[1-69]|3[578]|42|5[09]|6[7-9]|8[0578]|9[679])[0-9]{8,13}"
)
"""Country codes that are assigned, and what may follow them; ten digits at least. Source: ITU-T E.164."""

_DATE: Final = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9]")
_THOUSANDS: Final = re.compile(r"\+[0-9]{1,3}(?:[ .\u00a0][0-9]{3})*[ .\u00a0]000")
_ODD: Final = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
"""Value of each letter in an odd place of a codice fiscale; digits have those of the first ten.

Source: D.M. 23 December 1976, annex.
"""


def _digits(text: str) -> str:
    return _DIGITS.sub("", text)


def is_card(text: str) -> bool:
    """Whether a number has a scheme's beginning and length, and Luhn's check digit."""
    digits = _digits(text)
    if not _CARD.fullmatch(digits):
        return False
    doubled = (2 * int(d) if i % 2 else int(d) for i, d in enumerate(reversed(digits)))
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_phone(text: str) -> bool:
    """Whether an international number has an assigned country code and a possible length; an amount has neither."""
    return bool(_PHONE.fullmatch(_digits(text))) and not _THOUSANDS.fullmatch(text)


def is_iban(text: str, start: int, end: int) -> int:
    """Return where the IBAN that begins at `start` ends, at most at `end`; 0 if none does.

    Args:
        text: Searched.
        start: Index of its first letter.
        end: Index behind the last character that may belong to it.
    """
    code = text[start : start + 2].upper()
    wanted, letters, at = _LENGTHS.get(code, 0), list[str](), start
    while at < end and len(letters) < wanted:
        if text[at].isalnum():
            letters.append(text[at].upper())
        at += 1
    if not wanted or len(letters) < wanted or text[at : at + 1].isalnum():
        return 0
    body = "".join(letters)
    if code in _ONLY_DIGITS and not body[2:].isdigit():
        return 0
    number = "".join(str(int(letter, 36)) for letter in body[4:] + body[:4])
    return at if int(number) % 97 == 1 else 0


def is_cpf(text: str) -> bool:
    """Whether a Brazilian CPF has its two check digits."""
    digits = [int(d) for d in _digits(text)]
    for n in (9, 10):
        rest = sum((n + 1 - i) * d for i, d in enumerate(digits[:n])) * 10 % 11 % 10
        if rest != digits[n]:
            return False
    return len(set(digits)) > 1


def is_ean(text: str) -> bool:
    """Whether a Swiss social insurance number has its check digit, an EAN-13's."""
    digits = [int(d) for d in _digits(text)]
    return sum(d * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10 == 0


def is_cf(text: str) -> bool:
    """Whether an Italian codice fiscale has its check letter."""
    values = [int(c, 36) - (10 if c.isalpha() else 0) for c in text[:15]]
    total = sum(value if i % 2 else _ODD[value] for i, value in enumerate(values))
    return chr(ord("A") + total % 26) == text[15]


def is_nir(text: str) -> bool:
    """Whether a French social security number has its key."""
    digits = _digits(text)
    return 97 - int(digits[:13]) % 97 == int(digits[13:])


def is_dni(text: str) -> bool:
    """Whether a Spanish DNI or NIE has its check letter; a date with a letter behind it is a version."""
    if _DATE.match(text):
        return False
    body = text.replace("-", "")
    number = int({"X": "0", "Y": "1", "Z": "2"}.get(body[0], body[0]) + body[1:-1])
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == body[-1]
