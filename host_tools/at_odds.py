"""What it means, and what to do, when a board says that the bank and it are at odds.

A board keeps `reason, by` and tells it as `refusal` of its status, or nothing: by BANK where the
bank takes nothing of it, by BOARD where it found that the bank contradicts itself.
"""

from collections.abc import Sequence

from firmware.common.ui.refusing import BANK, BOARD
from firmware.common.wire import reasons

KEPT_AT = "/data/refusal"  # on a board, see firmware/common/ui/refusing.py
_WHAT = {
    BANK: "The bank takes nothing of this board",
    BOARD: "The bank has told this board and others different things",
}


def words(kept: Sequence[int]) -> str:
    """One sentence that says it, and one of advice; "" where all is well."""
    if len(kept) != 2:  # reason, by
        return ""
    reason, by = kept
    what = _WHAT.get(by, _WHAT[BANK])
    return f"{what}: {reasons.name(reason)} [{reason}]. {reasons.advice(reason)}"
