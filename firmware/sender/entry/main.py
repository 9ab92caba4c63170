"""What a payer's board starts with; it becomes the board's /main.py."""

import gc

# What loading leaves behind is collected at once, else the heap is full of holes before it starts.
gc.threshold(2_048)  # pyright: ignore[reportAttributeAccessIssue]

# Radio, crypto, rest: machine code needs a block of the heap in one piece while it is loaded, and
# the radio takes its memory from the same pool. (So far there is no radio.)
import firmware.common.crypto  # noqa: E402, F401
from firmware.sender.main import main  # noqa: E402

main()
