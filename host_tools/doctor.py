"""Looks a board over: what it is, what it runs, and one sentence of advice a trouble."""

import json
from dataclasses import dataclass
from pathlib import Path

from host_tools import at_odds
from host_tools.board_repl import FIRMWARE, BoardRepl, Identity, Survey
from host_tools.firmware_build import INSTALLED, ROOT, START
from host_tools.firmware_files import ROLES
from host_tools.firmware_target import Target, board_target, objection, objection_to_chip
from host_tools.flash import compare_with_tree, role_of

HEAP_MIN_BYTES = 64 * 1024  # what an ESP32 without PSRAM can be asked for
DISK_FREE_MIN_BYTES = 64 * 1024  # room for a ledger and its journal


@dataclass(frozen=True)
class Health:
    """A board's state; `advice` is empty where nothing is off."""

    identity: Identity
    target: Target
    role: str | None
    version: str | None
    advice: list[str]


def examine(port: str, root: Path = ROOT) -> Health:
    """Look a board over; its firmware runs again afterwards."""
    with BoardRepl(port) as board:
        identity = board.identity()
        held = board.survey(FIRMWARE, START)
        installed = board.read(INSTALLED) if INSTALLED in held.files else b""
        kept = board.survey(at_odds.KEPT_AT).files
        refusal = at_odds.words(board.read(at_odds.KEPT_AT)) if kept else ""
    target = board_target(identity)
    role = role_of(held.files)
    advice = [*_advice_on_board(identity), *_advice_on_firmware(port, role, target, held, root)]
    advice += [refusal] if refusal else []
    if board.last_words and START in held.files:
        advice.append(f"Its firmware ends at once: {board.last_words}")
    return Health(identity, target, role, _installed_version(installed), advice)


def _installed_version(installed: bytes) -> str | None:
    try:
        version = json.loads(installed)["version"]
    except (ValueError, TypeError, KeyError):
        return None
    return version if isinstance(version, str) else None


def _advice_on_board(identity: Identity) -> list[str]:
    advice = [objection(identity), objection_to_chip(identity)]
    if identity.heap_total < HEAP_MIN_BYTES:
        advice.append(
            f"Only {identity.heap_total:,} bytes of heap: take a board with PSRAM, or build the "
            "frozen image from firmware/ROLE/manifest.py."
        )
    if identity.disk_free < DISK_FREE_MIN_BYTES:
        advice.append(
            f"Only {identity.disk_free:,} bytes free on its filesystem: bridge the ledger, or "
            "remove files of your own."
        )
    return [sentence for sentence in advice if sentence]


def _advice_on_firmware(
    port: str, role: str | None, target: Target, held: Survey, root: Path
) -> list[str]:
    put = f"opg flash {port} --role {role or '|'.join(ROLES)}"
    if not held.files:
        return [f"No firmware on it: {put}"]
    if role is None:
        return [f"Its firmware belongs to no role, or to both: {put}"]
    if not compare_with_tree(role, target, held, root).equal:
        return [f"Its firmware differs from this source tree: {put}"]
    return []
