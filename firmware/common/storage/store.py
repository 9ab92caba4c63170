"""What a board keeps besides its journals: keys, who it is, how often it started, the time.

One file each below `root`, replaced atomically. `version` tells how they are written.
"""

import json
from struct import pack, unpack

from firmware.common import crypto, late
from firmware.common.storage import files
from firmware.common.wire.errors import FIRMWARE_TOO_OLD, NOT_ENROLLED, Refused

VERSION = 2


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
    """Typed access; keys are made on the first start and never leave the board."""

    def __init__(self, root: str) -> None:
        self.root = root
        files.sweep(root)
        files.make_folder(root)
        self._check_version()
        crypto.stir(self._secret(), self._next_start())
        self.keys = self._load_keys()
        self.identity = self._load_identity()

    def enrolled(self) -> Identity:
        """The identity; `Refused(NOT_ENROLLED)` before there is one."""
        if self.identity is None:
            raise Refused(NOT_ENROLLED, "this board belongs to no account yet")
        return self.identity

    def set_identity(self, identity: Identity) -> None:
        fields = {
            "account": identity.account,
            "name": identity.name,
            "wallet": identity.wallet,
            "bank_ecdh": identity.bank_ecdh.hex(),
            "bank_signing": identity.bank_signing.hex(),
        }
        files.replace(self.root + "/identity", json.dumps(fields).encode())
        self.identity = identity

    def regenerate_ecdh(self) -> None:
        """A new agreement pair: what was sealed to the old one opens no more."""
        ecdh, ecdh_public = crypto.generate_key()
        self._save_keys(Keys(self.keys.signing, self.keys.signing_public, ecdh, ecdh_public))

    def time_floor_ms(self) -> int:
        """The latest time (since 1970) this board was told of and kept."""
        return unpack(">Q", self._kept("time", 8) or bytes(8))[0]

    def set_time_floor(self, unix_ms: int) -> None:
        files.replace(self.root + "/time", pack(">Q", unix_ms))

    def _check_version(self) -> None:
        kept = files.read(self.root + "/version")
        if not kept:
            files.replace(self.root + "/version", str(VERSION).encode())
        elif int(kept) > VERSION:
            raise Refused(FIRMWARE_TOO_OLD, "its data was written by a newer firmware")
        elif int(kept) < VERSION:
            late.call("firmware.common.storage.migrate", "migrate", self.root, int(kept))

    def _secret(self) -> bytes:
        secret = self._kept("secret", 32)
        if not secret:
            secret = crypto.random_bytes(32)
            files.replace(self.root + "/secret", secret)
        return secret

    def _next_start(self) -> int:
        starts = unpack(">I", self._kept("starts", 4) or bytes(4))[0] + 1
        files.replace(self.root + "/starts", pack(">I", starts))
        return starts

    def _kept(self, name: str, size: int) -> bytes:
        """A file of a fixed size, b"" if there is none; a damaged one is never made anew."""
        path = self.root + "/" + name
        kept = files.read(path)
        if len(kept) != size and files.exists(path):
            raise OSError("a file in flash is damaged: " + name)
        return kept

    def _load_keys(self) -> Keys:
        kept = self._kept("keys", 192)
        if kept:
            return Keys(kept[:32], kept[32:96], kept[96:128], kept[128:])
        signing, signing_public = crypto.generate_key()
        ecdh, ecdh_public = crypto.generate_key()
        return self._save_keys(Keys(signing, signing_public, ecdh, ecdh_public))

    def _save_keys(self, keys: Keys) -> Keys:
        kept = keys.signing + keys.signing_public + keys.ecdh + keys.ecdh_public
        files.replace(self.root + "/keys", kept)
        self.keys = keys
        return keys

    def _load_identity(self) -> Identity | None:
        kept = files.read(self.root + "/identity")
        if not kept:
            return None
        fields = json.loads(kept)
        return Identity(
            fields["account"],
            fields["name"],
            fields["wallet"],
            bytes.fromhex(fields["bank_ecdh"]),
            bytes.fromhex(fields["bank_signing"]),
        )
