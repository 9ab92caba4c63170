"""What the user can do about each reason, by its number."""

SENTENCES = (
    "Nothing to do.",  # ok
    "Ask the other side to make it again; it does not follow the format.",  # malformed
    "Hand it to the payee it names.",  # not for me
    "Ask the payee to ask for the money again.",  # request unknown
    "Ask the payee to ask for the money again.",  # request closed
    "Pay the amount that was asked for, or have a new request made.",  # amount differs
    "Use a smaller amount, or send fewer at a time.",  # over limit
    "Fund the payer's account; the payment is judged anew at the next upload.",  # no funds
    "Make a new one.",  # expired
    "Ask the bank's operator.",  # revoked
    "Accept nothing more from this payer and tell the bank.",  # proven cheat
    "Connect the board to a bridge, then try again.",  # sync first
    "Do not hand over goods: it was altered, or signed with another key.",  # bad signature
    "Have the bank enrol this device again.",  # bad certificate
    "Nothing to do: this payment is already in the ledger.",  # already paid
    "Start again when both are ready.",  # cancelled
    "The other side said no; ask them why.",  # declined
    "Upload the ledger from where the bank's copy ends.",  # chain broken
    "Stop using this board and ask the bank's operator.",  # ledger fork
    "Ask the bank's operator to lift the freeze.",  # frozen
    "Make a new payment; this identifier was used for another one.",  # replay
    "Have the operator enrol this key: opg enrol PORT.",  # not enrolled
    "Check the code and type it again.",  # bad code
    "Connect the board to a bridge and settle, which frees space.",  # store full
    "Wait a moment and try again.",  # busy
    "Send the whole payment again.",  # send the payment
    "Choose a wallet that belongs to the payer.",  # wrong wallet
    "Send less at a time.",  # too large
    "Do not accept it: the outside does not belong to the inside.",  # key mismatch
    # cannot open
    "It was sealed to another key, perhaps one that was regenerated since. "
    "1. Payee: hand out the connection code again (opg key PORT). "
    "2. Payer: import that code (opg import PORT FILE). "
    "3. Payer: make the payment again.",
    # key missing
    "The form has no ECDH key. "
    "1. Payer: check that the board has its keys (opg key PORT). "
    "2. Payer: import the payee's connection code again. "
    "3. Payer: export the payment again and hand over the whole file.",
    "Import the payee's connection code first: opg import PORT FILE.",  # unknown payee
    "Give the operator token: OPERATOR_TOKEN or --token.",  # not authorised
    "Check that the service and its database run, then try again.",  # unavailable
    "Install MicroPython 1.29 or newer on the board, then flash again.",  # firmware too old
    "Do not use this board: its cryptography gives wrong answers.",  # self-test failed
)
