"""What a board knows of its bank, and the least that time can be; nobody has to be trusted for it.

    root      K0, pinned: 64 bytes                      time     t_lb as it was last kept
    bank-keys one or two signed BKEY, older first       deltas   the last signed REVDELTAs
    beacon    the newest signed BEACON || seq4 t4 of    proofs   signed contradictions (EQUIV)
              the one before whose revocations are held
    revoked   id8 || id8 || …                           rev      how many of these count, their root

t_lb, in seconds since 1970 UTC, is a lower bound of time: the greatest the bank ever signed, and
what has passed here since. Only that is needed all the time: the rest is read when asked for, by
`news_reading`. How news is taken in and handed on stands in `news_exchange`.
"""

from struct import pack, unpack

from firmware.common import crypto, late
from firmware.common.storage import files
from firmware.common.wire.limits import TIME_KEPT_EVERY_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.hardware.contract import Clock
    from firmware.common.wire.codec import Record

_READING = "firmware.common.storage.news_reading"


class News:
    """`beacon_seq` is 0 before the first beacon; `rev_seq` counts the known revocations.

    `why` is the reason, or 0, that the user is to be told: the bank contradicts itself (see
    `ui.refusing`).
    """

    why = 0

    def __init__(self, root: str, clock: "Clock") -> None:
        self.folder = root + "/news"
        files.make_folder(self.folder)
        self._clock = clock
        self.root = self.realm8 = b""
        self.set_root(files.kept(self.folder + "/root", 64))
        self.rev_seq = unpack(">I", files.read(self.folder + "/rev")[:4] or bytes(4))[0]
        self.beacon_seq, beacon_s = unpack(
            ">II", files.read(self.folder + "/beacon")[2:10] or bytes(8)
        )
        self._kept_s = unpack(">I", files.kept(self.folder + "/time", 4) or bytes(4))[0]
        self._base_s = 0
        self._base_ms = clock.ms()
        self.saw(max(self._kept_s, beacon_s))

    def set_root(self, root_public: bytes) -> None:
        if root_public:
            self.root = root_public
            self.realm8 = crypto.sha256(root_public)[:8]  # `signed.realm`

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

    @property
    def banks(self) -> "list[Record]":
        """The bank's keys, checked BKEYs: at most two, the older one first."""
        return late.call(_READING, "banks", self)

    @property
    def beacon(self) -> "Record | None":
        """The newest beacon."""
        return late.call(_READING, "beacon", self)

    @property
    def proven(self) -> list[bytes]:
        """The purses of which proof is kept, oldest first."""
        return late.call(_READING, "proven", self)

    def pin(self, root_public: bytes) -> None:
        """Ties the board to one bank for good; `Refused(DECLINED)` where it has another."""
        late.call(_READING, "pin", self, root_public)

    def is_revoked(self, id8: bytes) -> bool:
        """Whether the bank has revoked that purse or device; reads at most 32 KB, in pieces."""
        return self.rev_seq > 0 and late.call(_READING, "is_revoked", self, id8)
