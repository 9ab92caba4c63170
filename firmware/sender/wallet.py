"""What the payer's board has in mind all the time: purses, and payments that wait for an answer.

All that is done with them is loaded when it is done (see `keeping`).
"""


class Purse:
    """`ctr`, `spent` and `prev` are those of the last payment signed with the `private` key.

    `signed` is the bank's PURSE, `id` its 8 bytes.
    """

    def __init__(self, private: bytes, signed: bytes, ctr: int, spent: int, prev: bytes) -> None:
        self.private = private
        self.signed = signed
        self.id = signed[2:10]
        self.ctr = ctr
        self.spent = spent
        self.prev = prev


class Pending:
    """A signed payment of which the payee has not said what became of it.

    `place` is where its papers stand in the journal, `hash` its txn_hash, `nonce` its request's.
    """

    place: tuple[int, int] = (0, 0)
    payee = nonce = purse = hash = b""
    ctr = cum = amount_minor = currency = 0


class Wallet:
    """`purses`, and `pending` payments oldest first.

    `new_key` is the private key that no purse was made for yet, `syncing` where the SYNC stands
    that the bank has not answered; `signed` counts payments; `place` is the journal's.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.purses: list[Purse] = []
        self.pending: list[Pending] = []
        self.new_key = b""
        self.new_amount_minor = 0
        self.syncing: tuple[int, int] | None = None
        self.signed = 0
        self.last_time_s = 0
        self.place: tuple[int, int, int] | None = None

    def find(self, purse: bytes) -> Purse | None:
        """The purse of this id."""
        for found in self.purses:
            if found.id == purse:
                return found
        return None
