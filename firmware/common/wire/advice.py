"""What people can do about each reason, by its number.

Payer, payee, whoever carries a ledger and the bank's operator may all read the same sentence: so
it says who does what. What the bank alone would put otherwise stands in `bank.errors`.
"""

SENTENCES = (
    "Nothing to do.",  # ok
    "It does not follow the format: whoever made it makes it again.",  # malformed
    "Hand it to the payee it names.",  # not for me
    "The payee asks for the money again, then the payer pays.",  # request unknown
    "The payee asks for the money again, then the payer pays.",  # request closed
    "The payer pays the amount that was asked for, or the payee asks anew.",  # amount differs
    "Use a smaller amount, or send fewer at a time.",  # over limit
    "The bank's operator funds the payer's account; the next upload is judged anew.",  # no funds
    "Whoever made it makes a new one.",  # expired
    "The bank's operator knows why.",  # revoked
    "Accept nothing more from this payer and tell the bank's operator.",  # proven cheat
    "Connect the board to a bridge, then try again.",  # sync first
    "Altered, or signed with another key: the payee hands over no goods.",  # bad signature
    "The bank's operator enrols the board again: opg enrol PORT.",  # bad certificate
    "Nothing to do: this payment is already in the ledger.",  # already paid
    "Start again when both are ready.",  # cancelled
    "The other side said no; ask them why.",  # declined
    "The ledger is uploaded from where the bank's copy ends: opg bridge.",  # chain broken
    "Nobody uses this board until the bank's operator has looked into it.",  # ledger fork
    "The bank's operator can lift the freeze: opg bank unfreeze ACCOUNT.",  # frozen
    "Its identifier was used for another payment: make a new payment.",  # replay
    "The bank's operator enrols the board first: opg enrol PORT.",  # not enrolled
    "Check the code and type it again.",  # bad code
    "Connect the board to a bridge and settle, which frees space.",  # store full
    "Wait a moment and try again.",  # busy
    "The payer sends the whole payment again.",  # send the payment
    "Choose a wallet that the account has; the bank's operator can open one.",  # wrong wallet
    "Send less at a time.",  # too large
    "It is not to be accepted: the outside does not belong to the inside.",  # key mismatch
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
    "The payer imports the payee's connection code first: opg import PORT FILE.",  # unknown payee
    "Give the operator token: OPERATOR_TOKEN or --token.",  # not authorised
    "Try again later; the bank's operator checks that bank and database run.",  # unavailable
    "Install MicroPython 1.29 or newer on the board, then flash again.",  # firmware too old
    "Do not use this board: its cryptography gives wrong answers.",  # self-test failed
)
