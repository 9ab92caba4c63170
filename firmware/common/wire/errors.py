"""Refusals: one exception, one closed list of reasons shared by boards, tools and bank.

The numbers travel (VERDICT, VOID, the bank's answers, exit texts), so they never change
meaning; further ones are added at the end. Names and advice for people stand in `reasons`.
"""

OK = 0
MALFORMED = 1
NOT_FOR_ME = 2
REQUEST_UNKNOWN = 3
REQUEST_CLOSED = 4
AMOUNT_DIFFERS = 5
OVER_LIMIT = 6
NO_FUNDS = 7
EXPIRED = 8
REVOKED = 9
PROVEN_CHEAT = 10
SYNC_FIRST = 11
BAD_SIGNATURE = 12
BAD_CERTIFICATE = 13
ALREADY_PAID = 14
CANCELLED = 15
DECLINED = 16
CHAIN_BROKEN = 17
LEDGER_FORK = 18
FROZEN = 19
REPLAY = 20
NOT_ENROLLED = 21
BAD_CODE = 22
STORE_FULL = 23
BUSY = 24
SEND_THE_PAYMENT = 25
WRONG_WALLET = 26
TOO_LARGE = 27
KEY_MISMATCH = 28
CANNOT_OPEN = 29
KEY_MISSING = 30
UNKNOWN_PAYEE = 31
NOT_AUTHORISED = 32
UNAVAILABLE = 33
FIRMWARE_TOO_OLD = 34
SELF_TEST_FAILED = 35


class Refused(Exception):
    """Input that is not accepted: a `reason` from the list and a `detail` free of secrets."""

    def __init__(self, reason: int, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
