"""What it means, and what to do, when a board says that the bank and it are at odds.

A board tells `refusal`, a reason or 0, and `refusal_by`: "bank" where the bank takes nothing of it,
"board" where it found that the bank contradicts itself.
"""

from firmware.common.wire import reasons

KEPT_AT = "/data/refusal"  # on a board: reason1 by1, see firmware/common/ui/refusing.py
_BY = ("bank", "board")
_WHAT = {
    "bank": "The bank takes nothing of this board",
    "board": "The bank has told this board and others different things",
}


def words(reason: int, by: str) -> str:
    """One sentence that says it, and one of advice; "" where all is well."""
    if not reason:
        return ""
    what = _WHAT.get(by, _WHAT["bank"])
    return f"{what}: {reasons.name(reason)} [{reason}]. {reasons.advice(reason)}"


def kept_words(kept: bytes) -> str:
    """The same for what a board keeps; "" where that is nothing."""
    return words(kept[0], _BY[kept[1] % len(_BY)]) if len(kept) > 1 else ""
