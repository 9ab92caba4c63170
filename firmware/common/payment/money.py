"""Money is a whole number of minor units; its text forms are read and written here, only here.

Amounts never pass through a float: an ESP32 float has 24 bits and loses cents above 167,772.16.
"""

from firmware.common.wire.errors import MALFORMED, OVER_LIMIT, Refused
from firmware.common.wire.limits import AMOUNT_MINOR_MAX

_CURRENCIES = {978: "EUR", 840: "USD", 826: "GBP", 756: "CHF"}


def check_amount(amount_minor: int) -> int:
    """The amount itself, when it is more than zero and within the limit; else `Refused`."""
    if type(amount_minor) is not int:  # a host's JSON may hold a float or true
        raise Refused(MALFORMED, "amount must be a whole number of minor units")
    if not 0 < amount_minor <= AMOUNT_MINOR_MAX:
        raise Refused(OVER_LIMIT, "amount must be above 0 and at most 40000000.00")
    return amount_minor


def parse_amount(text: str) -> int:
    """Minor units from decimal text such as "7", "0.1" or "12.50".

    At most two decimals, no sign, no exponent, no leading zeros (RFC 8259, section 6).
    Raises `Refused` with MALFORMED or OVER_LIMIT.
    """
    whole, point, cents = text.partition(".")
    if not _is_digits(whole) or (whole[0] == "0" and len(whole) > 1):
        raise Refused(MALFORMED, "amount must be a decimal number")
    if point and not (_is_digits(cents) and len(cents) <= 2):
        raise Refused(MALFORMED, "amount must have one or two decimals after its point")
    if len(whole) > 10:
        raise Refused(OVER_LIMIT, "amount must be at most 40000000.00")
    return check_amount(int(whole) * 100 + int((cents + "00")[:2]))


def format_amount(amount_minor: int) -> str:
    """The shortest decimal text, as JavaScript prints a number: 1250 -> "12.5"."""
    text = show_amount(amount_minor)
    while text[-1] == "0":
        text = text[:-1]
    return text[:-1] if text[-1] == "." else text


def show_amount(amount_minor: int) -> str:
    """Two decimals, for people: 1250 -> "12.50"."""
    return "%d.%02d" % (amount_minor // 100, amount_minor % 100)


def show_money(amount_minor: int, currency: int) -> str:
    """The same with the currency (ISO 4217), by its name where it is a common one: "12.50 EUR"."""
    return show_amount(amount_minor) + " " + _CURRENCIES.get(currency, "#%d" % currency)


def _is_digits(text: str) -> bool:
    # str.isdigit also takes digits of other scripts.
    return bool(text) and all("0" <= c <= "9" for c in text)
