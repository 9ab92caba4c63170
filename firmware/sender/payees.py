"""Whose connection codes were imported: account and ECDH key, the latest code counts."""

from firmware.common import crypto
from firmware.common.storage.journal import Journal
from firmware.common.wire.errors import STORE_FULL, Refused
from firmware.common.wire.limits import PAYEES_MAX

_PAYEE = 1


class Payee:
    """`ecdh` is the 64-byte key that envelopes for this account are sealed to."""

    def __init__(self, account: str, ecdh: bytes) -> None:
        self.account = account
        self.ecdh = ecdh


class Payees:
    """The imported codes, oldest first."""

    def __init__(self, root: str) -> None:
        self._journal = Journal(root + "/payees")
        self.all: list[Payee] = []
        for _, _, payload in self._journal.scan(_PAYEE):
            self._take(Payee(payload[64:].decode(), payload[:64]))

    def find(self, account: str) -> Payee | None:
        """The payee of that account."""
        for payee in self.all:
            if payee.account == account:
                return payee
        return None

    def add(self, payee: Payee) -> bool:
        """Keeps a code; True when it replaces another key of the same account."""
        known = self.find(payee.account)
        if known is None and len(self.all) >= PAYEES_MAX:
            raise Refused(STORE_FULL, "%d payees are the most a board keeps" % PAYEES_MAX)
        if known is None or known.ecdh != payee.ecdh:
            key = crypto.sha256(payee.account.encode())[:8]
            self._journal.append(_PAYEE, key, payee.ecdh + payee.account.encode())
            self._take(payee)
        return known is not None and known.ecdh != payee.ecdh

    def _take(self, payee: Payee) -> None:
        self.all = [kept for kept in self.all if kept.account != payee.account]
        self.all.append(payee)
