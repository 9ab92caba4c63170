"""What each reason is called, and what the user can do about it."""

# One text, because a board keeps it in RAM; the number is the place in it.
_NAMES = (
    "ok|malformed|not for me|request unknown|request closed|amount differs|over limit|"
    "no funds|expired|revoked|proven cheat|sync first|bad signature|bad certificate|"
    "already paid|cancelled|declined|chain broken|ledger fork|frozen|replay|not enrolled|"
    "bad code|store full|busy|send the payment|wrong wallet|too large|key mismatch|"
    "cannot open|key missing|unknown payee|not authorised|unavailable|firmware too old|"
    "self-test failed"
)


def name(reason: int) -> str:
    """The short name of a reason, e.g. "bad signature"; an unknown number is shown as such."""
    names = _NAMES.split("|")
    return names[reason] if 0 <= reason < len(names) else "reason %d" % reason


def advice(reason: int) -> str:
    """One sentence that tells the user what to do."""
    from firmware.common.wire.advice import SENTENCES  # long; loaded where it is asked for

    return SENTENCES[reason] if 0 <= reason < len(SENTENCES) else "Update this software."
