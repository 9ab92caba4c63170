"""Reads what an envelope seals: one step of `opening`, loaded for itself."""

from firmware.common.interchange import sealed


def read_sealed(found: dict[str, bytes], ephemeral: bytes) -> tuple:
    """The parts for `sealed.open_parts`."""
    return sealed.read_parts(found, ephemeral)
