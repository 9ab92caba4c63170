"""Ids of transfers that are derived from what they move, so that it cannot be moved twice."""

from uuid import UUID

from firmware.common import crypto


def transfer_id(kind: str, *parts: bytes) -> str:
    """The UUID of a transfer of that kind for these hashes or ids, each of a fixed length."""
    return str(UUID(bytes=crypto.sha256(kind.encode() + b"|" + b"".join(parts))[:16]))
