"""Puts a role's firmware on a board, and compares what a board holds with this source tree.

    wanted  = build(role, the board's target)     path -> content
    held    = survey(/firmware, /main.py)         path -> SHA-256, reckoned on the board
    copied  = wanted whose hash is not held       removed = held that nobody wants

While files change there is no /main.py: a board that loses power half way starts nothing, and
flashing again finishes the work. Nothing outside /firmware and /main.py is ever touched.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from firmware.common.crypto import sha256
from host_tools.board_repl import FIRMWARE, BoardRepl, Identity, Survey
from host_tools.errors import REFUSED, CommandError
from host_tools.firmware_build import CRYPTO, FAST, ROOT, START, build
from host_tools.firmware_files import ROLES
from host_tools.firmware_target import Target, checked_target

# (path, bytes written so far, bytes to write in all)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Flashed:
    """What flashing did; the lists are paths on the board."""

    identity: Identity
    target: Target
    copied: list[str]
    unchanged: list[str]
    removed: list[str]
    copied_bytes: int
    seconds: float


@dataclass(frozen=True)
class Compared:
    """How a board differs from this source tree; the lists are paths on the board.

    `firmware_hash` is that of what the board holds.
    """

    role: str
    same: list[str]
    missing: list[str]
    changed: list[str]
    extra: list[str]
    firmware_hash: str

    @property
    def equal(self) -> bool:
        return not (self.missing or self.changed or self.extra)


def flash(
    port: str,
    role: str,
    on_progress: Progress,
    *,
    start: bool = True,
    crypto: str = FAST,
    root: Path = ROOT,
) -> Flashed:
    """Make the board hold and run exactly the role's firmware; else CommandError 3 or 4."""
    began = time.monotonic()
    with BoardRepl(port, restart=start) as board:
        identity = board.identity()
        target = checked_target(identity)
        wanted = build(role, target, root, crypto=crypto)
        held = board.survey(FIRMWARE, START)
        compared = compare(role, wanted, held)
        if not compared.equal:
            _replace(board, wanted, held, compared, on_progress)
    if board.last_words:
        raise CommandError(
            REFUSED, f"The {role} is on {port}, but ends at once: {board.last_words}"
        )
    copied = sorted(compared.missing + compared.changed)
    return Flashed(
        identity=identity,
        target=target,
        copied=copied,
        unchanged=compared.same,
        removed=compared.extra,
        copied_bytes=sum(len(wanted[path]) for path in copied),
        seconds=time.monotonic() - began,
    )


def verify(port: str, root: Path = ROOT) -> Compared:
    """Read the board back and compare it with a fresh build; its firmware runs again after."""
    with BoardRepl(port) as board:
        target = checked_target(board.identity())
        held = board.survey(FIRMWARE, START)
    role = role_of(held.files)
    if role is None:
        put = f"opg flash {port} --role {'|'.join(ROLES)}"
        raise CommandError(REFUSED, f"{port} holds the firmware of no role. Put it there: {put}")
    return compare_with_tree(role, target, held, root)


def compare_with_tree(role: str, target: Target, held: Survey, root: Path = ROOT) -> Compared:
    """With a fresh build of the kind that the board holds, which is the one nearest to it."""
    kinds = [compare(role, build(role, target, root, crypto=crypto), held) for crypto in CRYPTO]
    return max(kinds, key=lambda compared: len(compared.same))


def compare(role: str, wanted: dict[str, bytes], held: Survey) -> Compared:
    """What is wanted against what is held; `extra` are files that nobody wants."""
    differing = _differing(wanted, held)
    return Compared(
        role=role,
        same=sorted(wanted.keys() - set(differing)),
        missing=[path for path in differing if path not in held.files],
        changed=[path for path in differing if path in held.files],
        extra=sorted(held.files.keys() - wanted.keys()),
        firmware_hash=firmware_hash(held.files),
    )


def firmware_hash(files: Mapping[str, str]) -> str:
    """What a board that holds these files (path -> SHA-256, hex) says of itself as it is enrolled.

    SHA-256 of path || 0 || SHA-256(content) of each, folder by folder: see
    firmware/common/crypto/measuring.py.
    """
    ordered = sorted(files, key=lambda path: path.split("/"))
    return sha256(
        b"".join(path.encode() + b"\0" + bytes.fromhex(files[path]) for path in ordered)
    ).hex()


def role_of(paths: Iterable[str]) -> str | None:
    """The role whose files these are; None where there are none, or those of both."""
    folders = {path.split("/")[2] for path in paths if path.startswith(f"{FIRMWARE}/")}
    roles = [role for role in ROLES if role in folders]
    return roles[0] if len(roles) == 1 else None


def _replace(
    board: BoardRepl,
    wanted: dict[str, bytes],
    held: Survey,
    compared: Compared,
    on_progress: Progress,
) -> None:
    """Change the board's files to the wanted ones, prove it by reading back, /main.py last."""
    if START in held.files:
        board.remove_file(START)
    _remove(board, compared.extra, held.folders - _folders(wanted))
    for folder in sorted(_folders(wanted) - held.folders):
        board.make_folder(folder)
    changes = {*compared.missing, *compared.changed, START}
    total = sum(len(wanted[path]) for path in changes)
    done = 0
    for path in sorted(changes - {START}):
        done = _write(board, path, wanted[path], on_progress, done, total)
    _prove({path: wanted[path] for path in wanted if path != START}, board.survey(FIRMWARE))
    _write(board, START, wanted[START], on_progress, done, total)
    _prove({START: wanted[START]}, board.survey(START))


def _remove(board: BoardRepl, files: Iterable[str], folders: Iterable[str]) -> None:
    for path in files:
        board.remove_file(path)
    for folder in sorted(folders, reverse=True):  # what lies deeper goes first
        board.remove_folder(folder)


def _write(
    board: BoardRepl, path: str, content: bytes, on_progress: Progress, before: int, total: int
) -> int:
    """Write one file; how many bytes of the whole are there then."""
    on_progress(path, before, total)
    board.write(path, content, lambda written: on_progress(path, before + written, total))
    return before + len(content)


def _prove(wanted: dict[str, bytes], held: Survey) -> None:
    wrong = _differing(wanted, held)
    if wrong:
        raise CommandError(
            REFUSED,
            f"{len(wrong)} files do not read back as they were written, first {wrong[0]}. Flash "
            "again; if it happens again, the board's flash memory is worn out.",
        )


def _differing(wanted: dict[str, bytes], held: Survey) -> list[str]:
    """Sorted paths whose content is not what is held."""
    digests = {path: sha256(content).hex() for path, content in wanted.items()}
    return sorted(path for path in digests if held.files.get(path) != digests[path])


def _folders(paths: Iterable[str]) -> set[str]:
    parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return parents - {"/"}
