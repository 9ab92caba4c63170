"""What a board keeps besides its journals: keys, who it is, how often it started, the time.

One file each below `root`, replaced atomically. `version` tells how they are written. What is
done once, as the board starts, stands in `startup`.
"""

from struct import pack, unpack

from firmware.common import late
from firmware.common.storage import files
from firmware.common.wire.errors import NOT_ENROLLED, Refused

VERSION = 2
_STARTUP = "firmware.common.storage.startup"


class Keys:
    """Two key pairs made on this board, and the secret that its random bytes are mixed with."""

    def __init__(self, signing: bytes, signing_public: bytes, ecdh: bytes, ecdh_public: bytes):
        self.signing = signing
        self.signing_public = signing_public
        self.ecdh = ecdh
        self.ecdh_public = ecdh_public


class Identity:
    """Whose board this is, and the bank's public keys (64 bytes each) it was enrolled with."""

    def __init__(self, account: str, name: str, wallet: str, bank_ecdh: bytes, bank_signing: bytes):
        self.account = account
        self.name = name
        self.wallet = wallet
        self.bank_ecdh = bank_ecdh
        self.bank_signing = bank_signing


class Store:
    """Typed access; keys are made on the first start and never leave the board.

    `at_odds` is what the resting screen says while the bank takes nothing (see `ui.refusing`).
    """

    def __init__(self, root: str) -> None:
        self.root = root
        keys, fields, self.at_odds = late.call(_STARTUP, "start", root)
        self.keys = Keys(keys[:32], keys[32:96], keys[96:128], keys[128:])
        self.identity: Identity | None = None
        if fields:
            account, name, wallet, bank_ecdh, bank_signing = fields
            self.identity = Identity(account, name, wallet, bank_ecdh, bank_signing)

    def enrolled(self) -> Identity:
        """The identity; `Refused(NOT_ENROLLED)` before there is one."""
        if self.identity is None:
            raise Refused(NOT_ENROLLED, "this board belongs to no account yet")
        return self.identity

    def set_identity(self, identity: Identity) -> None:
        late.call(_STARTUP, "set_identity", self, identity)

    def regenerate_ecdh(self) -> None:
        """A new agreement pair: what was sealed to the old one opens no more."""
        late.call(_STARTUP, "regenerate_ecdh", self)

    def time_floor_ms(self) -> int:
        """The latest time (since 1970) this board was told of and kept."""
        return unpack(">Q", files.kept(self.root + "/time", 8) or bytes(8))[0]

    def set_time_floor(self, unix_ms: int) -> None:
        files.replace(self.root + "/time", pack(">Q", unix_ms))
