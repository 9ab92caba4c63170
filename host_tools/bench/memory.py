"""What the firmware costs a board's heap, measured on virtual boards with 124 KB of it.

    after boot       free bytes after collection while the started board answers a host
    modules          heap bytes an import adds, each module by itself, before the build joins them
    peak             the most bytes in use from boot until a payment over the wire is made (or
                     taken), counted after a collection whenever something has been loaded
    left             what is free at that moment: what later firmware may use
    smallest heap    with which the same still works, found by bisection to 1 KB

The peak counts overlay, firmware and data. The smallest heap also holds garbage and holes: it is
found by trying, because no counter sees holes; a heap is too small when something fails in it.
"""

import ast
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firmware.common.wire.errors import Refused
from host_tools.board_repl import BoardRepl
from host_tools.demo import hands
from host_tools.demo.hands import PAYEE, PAYER, Hand
from host_tools.demo.pocket_bank import PocketBank
from host_tools.device import Device
from host_tools.emulator.board import HEAP, VirtualBoard
from host_tools.emulator.wire import Wire
from host_tools.errors import REFUSED, CommandError
from host_tools.firmware_build import ROOT, compile_alone
from host_tools.firmware_files import source_files
from host_tools.firmware_target import checked_target

ROLES = {"sender": PAYER, "receiver": PAYEE}
_KILO = 1024
_LOWEST_KB = 48
_ROOMY = "2M"
_TRIALS = 2  # near the edge the same heap is enough one time and not the next
_TOLD = "/peak.txt"  # on the board

Say = Callable[[str], None]

# The board's /main.py while the peak is sought.
_SAMPLED_START = """
import builtins, gc
gc.threshold(2048)
_import = builtins.__import__
_least = 1 << 30
def _sampled(*arguments):
    global _least
    module = _import(*arguments)
    gc.collect()
    if gc.mem_free() < _least:
        _least = gc.mem_free()
        with open({told!r}, "w") as file:
            file.write("%d %d" % (gc.mem_alloc(), _least))
    return module
builtins.__import__ = _sampled
import firmware.common.crypto
from firmware.{role}.main import main
main()
"""

_MEASURE = """
import gc, sys
gc.threshold(1024)
sys.path.insert(0, "/alone")
_rows = []
for _name in {names!r}:
    gc.collect()
    _before = gc.mem_alloc()
    __import__(_name)
    gc.collect()
    _rows.append((_name, gc.mem_alloc() - _before))
import json
print(json.dumps(_rows))
"""


def measure(say: Say) -> dict[str, Any]:
    """The table, by role; `say` is told what is being done, for it takes some minutes."""
    heap_bytes = int(HEAP[:-1]) * _KILO
    with tempfile.TemporaryDirectory(prefix="opg-bench-") as folder:
        home = Path(folder)
        say("flash and enrol two boards")
        after_boot = prepare(home)
        found = {}
        for role in ROLES:
            say(f"{role}: bisect the smallest heap for a payment")
            smallest_kb = _smallest_kb(home, role)
            say(f"{role}: import each module by itself")
            modules = _modules(role)
            say(f"{role}: count at each load of a payment")
            used, left = peak(home, role)
            found[role] = {
                "after_boot_free": after_boot[role],
                "modules": modules,
                "peak": used,
                "left": left,
                "smallest_heap": smallest_kb * _KILO,
            }
    return {"heap": heap_bytes, "roles": found}


def prepare(home: Path) -> dict[str, int]:
    """Two boards in `home`, ready to pay each other; their free heap after boot, by role."""
    with hands.hands(home) as (payer, payee):
        hands.ready(payer, payee, PocketBank())
        payer.restart()
        payee.restart()
        return {
            "sender": payer.device.status()["heap_free"],
            "receiver": payee.device.status()["heap_free"],
        }


def peak(home: Path, role: str) -> tuple[int, int]:
    """Bytes in use and free when most are in use."""
    start = _SAMPLED_START.format(told=_TOLD, role=role)
    with _copy(home) as boards:
        with _repl(boards, role) as repl:
            repl.write("/main.py", start.encode(), _unseen)
        if not _pays(boards, role, int(HEAP[:-1])):
            raise CommandError(REFUSED, f"The {role}'s board did not pay while it was counted.")
        with _repl(boards, role) as repl:
            used, free = repl.evaluate(f"print(open({_TOLD!r}).read())").split()
    return int(used), int(free)


@contextmanager
def _copy(home: Path) -> Iterator[Path]:
    """The two boards of `home` once more: a payment, above all one cut short, changes them."""
    with tempfile.TemporaryDirectory(prefix="opg-bench-") as folder:
        boards = Path(folder) / "boards"
        shutil.copytree(home, boards)
        yield boards


@contextmanager
def _repl(home: Path, role: str) -> Iterator[BoardRepl]:
    with (
        VirtualBoard(home / ROLES[role]) as board,
        BoardRepl(board.repl_port, restart=False) as repl,
    ):
        yield repl


def _smallest_kb(home: Path, role: str) -> int:
    low, high = _LOWEST_KB, int(HEAP[:-1])
    while high - low > 1:
        middle = (low + high) // 2
        if all(_copy_pays(home, role, middle) for _ in range(_TRIALS)):
            high = middle
        else:
            low = middle
    return high


def _copy_pays(home: Path, role: str, heap_kb: int) -> bool:
    with _copy(home) as boards:
        return _pays(boards, role, heap_kb)


def _pays(home: Path, role: str, heap_kb: int) -> bool:
    """Whether a payment goes through when this role's board has that little heap."""
    heaps = {name: f"{heap_kb}K" if name == role else HEAP for name in ROLES}
    with (
        VirtualBoard(home / PAYER, heaps["sender"]) as first,
        VirtualBoard(home / PAYEE, heaps["receiver"]) as second,
        Wire(first.tap_port, second.tap_port),
    ):
        try:
            with Device(first.repl_port) as payer, Device(second.repl_port) as payee:
                return _pay(Hand(PAYER, first, payer), Hand(PAYEE, second, payee))
        except (CommandError, Refused):
            return False


def _pay(payer: Hand, payee: Hand) -> bool:
    before = payee.device.call("total")[0]["guaranteed"]["count"]
    paid = hands.tap(payer, payee, 1)["outcome"] == "PAID"
    return paid and payee.device.call("total")[0]["guaranteed"]["count"] == before + 1


def _modules(role: str) -> dict[str, int]:
    """Heap bytes by module, on a board with room for all of them."""
    with (
        tempfile.TemporaryDirectory(prefix="opg-bench-") as folder,
        VirtualBoard(Path(folder) / role, _ROOMY) as board,
    ):
        with BoardRepl(board.repl_port, restart=False) as repl:
            target = checked_target(repl.identity())
            sources = source_files(ROOT, role)
            for folder in _folders(sources):
                repl.make_folder(f"/alone/{folder}" if folder else "/alone")
            for source in sources:
                compiled = compile_alone(ROOT, source, target)
                repl.write(f"/alone/{source[:-3]}.mpy", compiled, _unseen)
            rows = repl.evaluate(_MEASURE.format(names=_import_order(sources)))
        return dict(json.loads(rows))


def _unseen(written: int) -> None:
    """Progress that nobody watches."""


def _folders(sources: list[str]) -> list[str]:
    found = {str(parent) for source in sources for parent in Path(source).parents}
    return sorted("" if folder == "." else folder for folder in found)


def _import_order(sources: list[str]) -> list[str]:
    """Module names, each after those it imports, so that none is charged for another."""
    names = {_name(source): source for source in sources}
    ordered: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in names and name not in ordered and name not in above:
            for imported in _imports(ROOT / names[name]):
                visit(imported, (*above, name))
            ordered.append(name)

    for name in sorted(names):
        visit(name, ())
    return ordered


def _imports(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def _name(source: str) -> str:
    return source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
