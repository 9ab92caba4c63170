"""What each reason is called, and what the user can do about it; loaded when one is shown."""

_TEXTS = (
    ("ok", "Nothing to do."),
    ("malformed", "Ask the other side to make it again; it does not follow the format."),
    ("not for me", "Hand it to the payee it names."),
    ("request unknown", "Ask the payee to ask for the money again."),
    ("request closed", "Ask the payee to ask for the money again."),
    ("amount differs", "Pay the amount that was asked for, or have a new request made."),
    ("over limit", "Use a smaller amount, or send fewer at a time."),
    ("no funds", "Fund the payer's account; the payment is judged anew at the next upload."),
    ("expired", "Make a new one."),
    ("revoked", "Ask the bank's operator."),
    ("proven cheat", "Accept nothing more from this payer and tell the bank."),
    ("sync first", "Connect the board to a bridge, then try again."),
    ("bad signature", "Do not hand over goods: it was altered, or signed with another key."),
    ("bad certificate", "Have the bank enrol this device again."),
    ("already paid", "Nothing to do: this payment is already in the ledger."),
    ("cancelled", "Start again when both are ready."),
    ("declined", "The other side said no; ask them why."),
    ("chain broken", "Upload the ledger from where the bank's copy ends."),
    ("ledger fork", "Stop using this board and ask the bank's operator."),
    ("frozen", "Ask the bank's operator to lift the freeze."),
    ("replay", "Make a new payment; this identifier was used for another one."),
    ("not enrolled", "Have the operator enrol this key: opg enrol PORT."),
    ("bad code", "Check the code and type it again."),
    ("store full", "Connect the board to a bridge and settle, which frees space."),
    ("busy", "Wait a moment and try again."),
    ("send the payment", "Send the whole payment again."),
    ("wrong wallet", "Choose a wallet that belongs to the payer."),
    ("too large", "Send less at a time."),
    ("key mismatch", "Do not accept it: the outside does not belong to the inside."),
    (
        "cannot open",
        "It was sealed to another key, perhaps one that was regenerated since. "
        "1. Payee: hand out the connection code again (opg key PORT). "
        "2. Payer: import that code (opg import PORT FILE). "
        "3. Payer: make the payment again.",
    ),
    (
        "key missing",
        "The form has no ECDH key. "
        "1. Payer: check that the board has its keys (opg key PORT). "
        "2. Payer: import the payee's connection code again. "
        "3. Payer: export the payment again and hand over the whole file.",
    ),
    ("unknown payee", "Import the payee's connection code first: opg import PORT FILE."),
    ("not authorised", "Give the operator token: OPERATOR_TOKEN or --token."),
    ("unavailable", "Check that the service and its database run, then try again."),
    ("firmware too old", "Install MicroPython 1.29 or newer on the board, then flash again."),
    ("self-test failed", "Do not use this board: its cryptography gives wrong answers."),
)


def name(reason: int) -> str:
    """The short name of a reason, e.g. "bad signature"; an unknown number is shown as such."""
    return _TEXTS[reason][0] if 0 <= reason < len(_TEXTS) else "reason %d" % reason


def advice(reason: int) -> str:
    """One sentence that tells the user what to do."""
    return _TEXTS[reason][1] if 0 <= reason < len(_TEXTS) else "Update this software."
