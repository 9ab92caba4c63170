"""Where the machine code reckons: one block, made at the start and kept.

It has 3 KB in one piece, which a heap in use has not for certain: the multiples of points are made
in it, and messages of up to 1 KB are sealed. Whoever uses it clears what it needs clear; whoever
reckoned with a secret wipes that. Nothing in it is of use to two.
"""

from firmware.common.crypto.field import SCRATCH_SLOTS
from firmware.common.crypto.programs import SLOTS

SLOT_BYTES = 80  # 20 limbs in words
_SEALING_BYTES = 3_168  # see `gcm`: 2,112, then a message of 1 KB and two blocks more
block = memoryview(bytearray(max(SLOT_BYTES * (SLOTS + SCRATCH_SLOTS), _SEALING_BYTES)))
