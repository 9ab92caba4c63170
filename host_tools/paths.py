"""Where the tools keep their state: virtual boards, outbox, the embedded database, keys."""

import os
from pathlib import Path


def home() -> Path:
    """`$OPG_HOME`, else `~/.opg`; made for its owner alone."""
    path = Path(os.environ.get("OPG_HOME") or Path.home() / ".opg")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
