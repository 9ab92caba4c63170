"""What a board knows of its bank, and the least that time can be; nobody has to be trusted for it.

    root      K0, pinned: 64 bytes                      time     t_lb as it was last kept
    bank-keys one or two signed BKEY, older first       deltas   the last signed REVDELTAs
    beacon    the newest signed BEACON                  proofs   signed contradictions (EQUIV)
    revoked   id8 || id8 || …                           rev      how many of these count, their root

t_lb, in seconds since 1970 UTC, is a lower bound of time: the greatest the bank ever signed, and
what has passed here since. How news is taken in and handed on stands in `news_exchange`.
"""

import os
from struct import pack, unpack

from firmware.common.storage import files
from firmware.common.wire import messages
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import DECLINED, NOT_ENROLLED, Refused
from firmware.common.wire.limits import TIME_KEPT_EVERY_S
from firmware.common.wire.signed import parse_signed, realm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.hardware.contract import Clock

BANK_KEY_BYTES = 202
PROOF_BYTES = 452
_PIECE_BYTES = 512  # whole ids


class News:
    """`beacon` is None before the first one; `rev_seq` counts the revocations that are known."""

    def __init__(self, root: str, clock: "Clock") -> None:
        self.folder = root + "/news"
        files.make_folder(self.folder)
        self._clock = clock
        self.root = files.kept(self.folder + "/root", 64)
        self.realm8 = realm(self.root) if self.root else b""
        keys = files.read(self.folder + "/bank-keys")
        self.banks = [
            parse_signed(messages.BKEY, keys[i : i + BANK_KEY_BYTES])
            for i in range(0, len(keys), BANK_KEY_BYTES)
        ]
        beacon = files.read(self.folder + "/beacon")
        self.beacon = parse_signed(messages.BEACON, beacon) if beacon else None
        rev = files.kept(self.folder + "/rev", 36) or bytes(36)
        self.rev_seq, self.rev_root = unpack(">I32s", rev)
        self.proven = _proven(self.folder)
        self._kept_s = unpack(">I", files.kept(self.folder + "/time", 4) or bytes(4))[0]
        self._base_s = 0
        self._base_ms = clock.ms()
        self.saw(max(self._kept_s, self.beacon.t if self.beacon else 0))

    @property
    def beacon_seq(self) -> int:
        """0 before the first beacon."""
        return self.beacon.seq if self.beacon else 0

    def policy(self) -> Record:
        """The policy in force; `Refused(NOT_ENROLLED)` before there is a beacon."""
        if self.beacon is None:
            raise Refused(NOT_ENROLLED, "the bank was never heard of")
        return messages.POLICY.read(self.beacon.policy)

    def pin(self, root_public: bytes) -> None:
        """Ties the board to one bank for good; `Refused(DECLINED)` where it has another."""
        if self.root not in (b"", root_public):
            raise Refused(DECLINED, "this board has another bank; only a factory reset changes it")
        if not self.root:
            files.replace(self.folder + "/root", root_public)
            self.root = root_public
            self.realm8 = realm(root_public)

    def t_lb(self) -> int:
        return self._base_s + (self._clock.ms() - self._base_ms) // 1_000

    def saw(self, time_s: int) -> None:
        """Takes a time that the bank signed, or that this board wrote down; forwards only."""
        if time_s > self.t_lb():
            self._base_s = time_s
            self._base_ms = self._clock.ms()

    def keep_time(self) -> None:
        """Writes t_lb down from time to time; every record of a journal does it besides."""
        now_s = self.t_lb()
        if now_s >= self._kept_s + TIME_KEPT_EVERY_S:
            files.replace(self.folder + "/time", pack(">I", now_s))
            self._kept_s = now_s

    def is_revoked(self, id8: bytes) -> bool:
        """Whether the bank has revoked that purse or device; reads at most 32 KB, in pieces."""
        left = self.rev_seq * 8
        if not left:
            return False
        with open(self.folder + "/revoked", "rb") as file:
            while left > 0:
                piece = file.read(min(left, _PIECE_BYTES))
                if not piece:
                    raise OSError("the list of revocations is damaged")
                if _holds(piece, id8):
                    return True
                left -= len(piece)
        return False

    def is_proven(self, purse8: bytes) -> bool:
        """Whether two contradicting payments of that purse were seen."""
        return purse8 in self.proven


def _holds(ids: bytes, id8: bytes) -> bool:
    at = ids.find(id8)
    while at % 8 and at > 0:  # across two ids, by chance
        at = ids.find(id8, at + 1)
    return at >= 0


def _proven(folder: str) -> list[bytes]:
    """The purses of the proofs in flash, oldest first."""
    path = folder + "/proofs"
    found: list[bytes] = []
    if files.exists(path):
        with open(path, "rb") as file:
            for i in range(os.stat(path)[6] // PROOF_BYTES):
                file.seek(i * PROOF_BYTES + 2)
                found.append(file.read(8))
    return found
