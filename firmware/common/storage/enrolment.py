"""How far this board is with its bank: the ENROL it sent, or the certificate it was given.

    enrol  signed ENROL || ED private32 || packet {account, name, wallet}       until there is
    dcert  signed DCERT || ED private32

ED is the pair that the bank seals to; it stays when the user makes a new pair for the JSON forms.
"""

import os

from firmware.common import late
from firmware.common.storage import files

_ENROL_BYTES = 266
_DCERT_BYTES = 232
_KEY_BYTES = 32
_KEYS = 2  # where KD and ED stand in an ENROL, after version and profile


def certificate(root: str) -> bytes:
    """The signed DCERT of this board, b"" before it has one."""
    return files.read(root + "/dcert")[:_DCERT_BYTES]


def device_key(root: str) -> bytes:
    """The private key of what the bank seals to this board."""
    return files.read(root + "/dcert")[_DCERT_BYTES:]


def state(root: str) -> tuple[str, str]:
    """ "" | "pending" | "yes", and the four words to compare while it is pending."""
    enrol = files.read(root + "/enrol")
    if not enrol:
        return ("yes" if certificate(root) else ""), ""
    kd, ed = enrol[_KEYS : _KEYS + 64], enrol[_KEYS + 64 : _KEYS + 128]
    return "pending", late.call("firmware.common.payment.words", "key_words", kd, ed)


def keep(root: str, enrolment: bytes, ed_private: bytes, identity: bytes) -> None:
    """Journals an ENROL before it is sent: the same one is sent until it is answered (J6)."""
    files.replace(root + "/enrol", enrolment + ed_private + identity)


def kept(root: str) -> tuple[bytes, bytes, bytes]:
    """What `keep` got; three times b"" where nothing is pending."""
    data = files.read(root + "/enrol")
    end = _ENROL_BYTES + _KEY_BYTES
    return data[:_ENROL_BYTES], data[_ENROL_BYTES:end], data[end:]


def finish(root: str, dcert: bytes, ed_private: bytes) -> None:
    """Keeps the checked certificate; nothing is pending any more."""
    files.replace(root + "/dcert", dcert + ed_private)
    os.remove(root + "/enrol")


def renew(root: str, dcert: bytes) -> None:
    """Keeps the checked certificate in the place of the one before, for the same keys."""
    files.replace(root + "/dcert", dcert + device_key(root))
