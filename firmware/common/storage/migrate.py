"""Brings what an older firmware wrote into today's form; loaded when a board starts with it.

Every step may be cut short and is then done again from its beginning, so each must find its
own work done; the version is written last.
"""

import json

from firmware.common.storage import files
from firmware.common.storage.store import VERSION

_IDENTITY = ("account", "name", "wallet", "bank_ecdh", "bank_signing")


def migrate(root: str, version: int) -> None:
    """From `version` to VERSION, one step after the other."""
    if version < 2:
        _name_identity(root)
    files.replace(root + "/version", str(VERSION).encode())


def _name_identity(root: str) -> None:
    """Version 1 kept the identity as a list in the order of _IDENTITY."""
    kept = files.read(root + "/identity")
    fields = json.loads(kept) if kept else None
    if isinstance(fields, list):
        named = dict(zip(_IDENTITY, fields))
        files.replace(root + "/identity", json.dumps(named).encode())
