"""What a payer's board starts with; it becomes the board's /main.py."""

import gc

# What loading leaves behind is collected at once, else the heap is full of holes before it starts.
gc.threshold(2_048)  # pyright: ignore[reportAttributeAccessIssue]

from firmware.sender.main import main  # noqa: E402

main()
