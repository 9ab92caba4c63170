"""Who vouches for the bank: the root's public key and the BKEY that it signed for the bank's keys.

The root's private key K0 stands in a directory of its own and is needed only to sign a BKEY; the
running bank never reads it. `bkey.json`, which is public, stands beside the bank's keys:

    {"root": hex of x||y, "bkey": hex of body || signature}
"""

import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bank import keys, limits, policy, secretfile
from bank.config import Settings
from bank.keys import BankKeys
from bank.secretfile import SecretFileError
from firmware.common import crypto
from firmware.common.payment import certificate
from firmware.common.wire.codec import Record
from firmware.common.wire.errors import MALFORMED, UNAVAILABLE, Refused
from firmware.common.wire.sealed_box import Box, seal_box
from firmware.common.wire.signed import realm

_BKEY_FILE = "bkey.json"
_ROOT_FILE = "root.json"
_PRIVATE_BYTES = 32


@dataclass(frozen=True)
class Authority:
    """`bank` is the checked BKEY, whose times bound whatever the bank signs."""

    root_public: bytes
    bank: Record

    @property
    def realm8(self) -> bytes:
        return realm(self.root_public)


@dataclass(frozen=True)
class Office:
    """The bank's keys with their authority: all that signing and opening in OPG1 needs."""

    keys: BankKeys
    authority: Authority

    @property
    def realm8(self) -> bytes:
        return self.authority.realm8

    @property
    def bank(self) -> Record:
        """The bank's BKEY."""
        return self.authority.bank

    def open(self, number: int, data: bytes) -> tuple[bytes, bytes]:
        """(sender8, message) of a box sealed to the bank. Raises `Refused`.

        The sender is as it was sealed; whoever signed the message is compared with it.
        """
        box = Box(data)
        if box.number != number:
            raise Refused(MALFORMED, "another message is expected here")
        return box.sender, box.open(self.realm8, self.keys.ecdh_private, self.keys.ecdh_public)

    def seal(self, number: int, device8: bytes, ecdh_public: bytes, message: bytes) -> bytes:
        """A message sealed to a device."""
        return seal_box(number, self.realm8, device8, ecdh_public, message)


def load(directory: Path, bank_keys: BankKeys) -> Authority | None:
    """The authority of the bank's keys in `directory`; None where no root has signed them yet.

    Raises `SecretFileError` for a file that is broken or was signed for other keys.
    """
    path = directory / _BKEY_FILE
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text())
        root_public, data = (bytes.fromhex(found[name]) for name in ("root", "bkey"))
        bank = certificate.check_bank_key(root_public, data)
    except (OSError, ValueError, KeyError, TypeError, Refused):
        raise SecretFileError(f"{path} does not hold a BKEY: have the root sign it anew.") from None
    if (bank.pub, bank.ecdh) != (bank_keys.signing_public, bank_keys.ecdh_public):
        raise SecretFileError(f"{path} is for other keys: have the root sign it anew.")
    return Authority(root_public, bank)


def require(found: Authority | None) -> Authority:
    """Raises `Refused` where the bank has no BKEY."""
    if found is None:
        raise Refused(
            UNAVAILABLE, "no root has signed this bank's keys; run: opg bank root sign-bkey"
        )
    return found


def make_root(directory: Path) -> bytes:
    """Makes K0 where there is none yet; the root's public key."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    secretfile.read_or_make(directory / _ROOT_FILE, _new_root)
    return crypto.public_key(_root_private(directory))


def root_public(directory: Path) -> bytes:
    """The root's public key. Raises `SecretFileError` where there is no root."""
    return crypto.public_key(_root_private(directory))


def sign_bank_key(
    root_directory: Path, signing_public: bytes, ecdh_public: bytes, now: int, days: int
) -> str:
    """The text of a bkey.json for these keys of the bank, valid for so many days."""
    private = _root_private(root_directory)
    bkey = certificate.make_bank_key(
        private, signing_public, ecdh_public, now, now + days * policy.DAY_S
    )
    return json.dumps({"root": crypto.public_key(private).hex(), "bkey": bkey.hex()})


def install(directory: Path, bank_keys: BankKeys, text: str) -> Authority:
    """Puts a bkey.json beside the bank's keys; an older one is replaced.

    Raises `SecretFileError` where it is not for these keys.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as draft:
        path = Path(draft) / _BKEY_FILE
        path.write_text(text)
        found = require(load(Path(draft), bank_keys))
        path.replace(directory / _BKEY_FILE)
    return found


def ensure(key_directory: Path, root_directory: Path, bank_keys: BankKeys, now: int) -> Authority:
    """The bank's authority; where it has none, a root is made and signs: for a bank at home."""
    found = load(key_directory, bank_keys)
    if found is not None:
        return found
    make_root(root_directory)
    text = sign_bank_key(
        root_directory, bank_keys.signing_public, bank_keys.ecdh_public, now, limits.BKEY_DAYS_MAX
    )
    return install(key_directory, bank_keys, text)


def ensure_at_home(settings: Settings) -> None:
    """The same for a bank with a PostgreSQL of its own, where one person keeps everything."""
    if settings.database_url is None:
        bank_keys = keys.load(settings.key_dir)
        ensure(settings.key_dir, settings.root_dir, bank_keys, int(time.time()))


def _new_root() -> str:
    private, _ = crypto.generate_key()
    return json.dumps({"root": private.hex()})


def _root_private(directory: Path) -> bytes:
    path = directory / _ROOT_FILE
    if not path.exists():
        raise SecretFileError(f"there is no root in {directory}: run: opg bank root init")
    try:
        found = json.loads(secretfile.read_or_make(path, _new_root))
        private = bytes.fromhex(found["root"])
        if len(private) != _PRIVATE_BYTES:
            raise ValueError
        crypto.public_key(private)
        return private
    except (ValueError, KeyError, TypeError):
        raise SecretFileError(f"{path} does not hold a root key: restore it.") from None
