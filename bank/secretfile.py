"""Files that hold a secret: made once, whole or not at all, readable by their owner alone."""

import os
from collections.abc import Callable
from pathlib import Path

from firmware.common import crypto


class SecretFileError(Exception):
    """A secret that cannot be kept or is kept badly, with what to do about it."""


def new_secret() -> str:
    """256 random bits as hex."""
    return crypto.random_bytes(32).hex()


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """The text of `path`; made first where it is missing, by one process if several try at once."""
    try:
        if not path.exists():
            _write_once(path, make())
        _check_private(path)
        return path.read_text()
    except OSError as error:
        raise SecretFileError(f"{path}: {error.strerror}.") from error


def _write_once(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{crypto.random_bytes(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # unlike a rename it fails where another process was first
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _check_private(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise SecretFileError(f"{path} holds a secret and others can read it: chmod 600 it.")
