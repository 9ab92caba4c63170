"""Where the machine code reckons: one block, made at the start and kept.

It has 3 KB in one piece, which a heap in use has not for certain. Whoever reckoned with a secret
wipes it; nothing is in it between two uses that anybody could not know.
"""

from array import array

from firmware.common.crypto.field import SCRATCH_SLOTS
from firmware.common.crypto.programs import SLOTS

LIMBS = 20  # a slot's
words = memoryview(array("i", bytearray(4 * LIMBS * (SLOTS + SCRATCH_SLOTS))))
