"""What a store does once, as the board starts: its version, secret, count of starts and keys.

And what it does seldom: another identity, another pair of keys.
"""

import json
from struct import pack, unpack

from firmware.common import crypto, late
from firmware.common.storage import files
from firmware.common.storage.store import VERSION, Identity, Keys, Store
from firmware.common.wire.errors import FIRMWARE_TOO_OLD, Refused


def start(root: str) -> tuple[bytes, tuple | None, str]:
    """The four keys one after the other, the fields of the identity if there is one, `at_odds`."""
    files.sweep(root)
    files.make_folder(root)
    _check_version(root)
    crypto.stir(_secret(root), _next_start(root))
    return _keys(root), _identity(root), at_odds(root)


def at_odds(root: str) -> str:
    """Such as BANK:FROZEN, at most a line of the screen; "" while bank and board agree."""
    kept = files.read(root + "/refusal")
    if not kept:
        return ""
    return "BANK:" + late.call("firmware.common.wire.reasons", "name", kept[0]).upper()


def _check_version(root: str) -> None:
    kept = files.read(root + "/version")
    if not kept:
        files.replace(root + "/version", str(VERSION).encode())
    elif int(kept) > VERSION:
        raise Refused(FIRMWARE_TOO_OLD, "its data was written by a newer firmware")
    elif int(kept) < VERSION:
        late.call("firmware.common.storage.migrate", "migrate", root, int(kept))


def _secret(root: str) -> bytes:
    secret = files.kept(root + "/secret", 32)
    if not secret:
        secret = crypto.random_bytes(32)
        files.replace(root + "/secret", secret)
    return secret


def _next_start(root: str) -> int:
    starts = unpack(">I", files.kept(root + "/starts", 4) or bytes(4))[0] + 1
    files.replace(root + "/starts", pack(">I", starts))
    return starts


def _keys(root: str) -> bytes:
    keys = files.kept(root + "/keys", 192)
    if not keys:
        signing, signing_public = crypto.generate_key()
        ecdh, ecdh_public = crypto.generate_key()
        keys = signing + signing_public + ecdh + ecdh_public
        files.replace(root + "/keys", keys)
    return keys


def _identity(root: str) -> tuple | None:
    kept = files.read(root + "/identity")
    if not kept:
        return None
    fields = json.loads(kept)
    return (
        fields["account"],
        fields["name"],
        fields["wallet"],
        bytes.fromhex(fields["bank_ecdh"]),
        bytes.fromhex(fields["bank_signing"]),
    )


def set_identity(store: Store, identity: Identity) -> None:
    fields = {
        "account": identity.account,
        "name": identity.name,
        "wallet": identity.wallet,
        "bank_ecdh": identity.bank_ecdh.hex(),
        "bank_signing": identity.bank_signing.hex(),
    }
    files.replace(store.root + "/identity", json.dumps(fields).encode())
    store.identity = identity


def regenerate_ecdh(store: Store) -> None:
    """A new agreement pair; the signing pair stays."""
    ecdh, ecdh_public = crypto.generate_key()
    signing, signing_public = store.keys.signing, store.keys.signing_public
    files.replace(store.root + "/keys", signing + signing_public + ecdh + ecdh_public)
    store.keys = Keys(signing, signing_public, ecdh, ecdh_public)
