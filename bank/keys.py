"""The bank's two key pairs, made on first start: it signs with one and opens with the other."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from bank import secretfile
from bank.secretfile import SecretFileError
from firmware.common import crypto

_PRIVATE_BYTES = 32


@dataclass(frozen=True)
class BankKeys:
    """Private keys are 32 bytes, public ones x||y."""

    signing_private: bytes = field(repr=False)
    signing_public: bytes
    ecdh_private: bytes = field(repr=False)
    ecdh_public: bytes


def load(directory: Path) -> BankKeys:
    """The pairs in `directory`, made once. Losing them orphans every board that knows them."""
    path = directory / "keys.json"
    try:
        found = json.loads(secretfile.read_or_make(path, _make))
        signing, ecdh = (bytes.fromhex(found[name]) for name in ("signing", "ecdh"))
        if len(signing) != _PRIVATE_BYTES or len(ecdh) != _PRIVATE_BYTES:
            raise ValueError
        return BankKeys(signing, crypto.public_key(signing), ecdh, crypto.public_key(ecdh))
    except (ValueError, KeyError, TypeError):
        raise SecretFileError(f"{path} does not hold the bank's keys: restore it.") from None


def load_operator_token(directory: Path, given: str | None) -> str:
    """The token of the operator's interface: the one given, else the one made on first start."""
    if given:
        return given
    return secretfile.read_or_make(directory / "operator-token", secretfile.new_secret).strip()


def load_code_key(directory: Path) -> bytes:
    """What one-time codes are sealed with in the database; made on first start."""
    path = directory / "code-key"
    try:
        return bytes.fromhex(secretfile.read_or_make(path, secretfile.new_secret))
    except ValueError:
        raise SecretFileError(f"{path} does not hold a key: delete it.") from None


def _make() -> str:
    (signing, _), (ecdh, _) = crypto.generate_key(), crypto.generate_key()
    return json.dumps({"signing": signing.hex(), "ecdh": ecdh.hex()})
