"""Counts the instructions that a MicroPython program executes, by valgrind's callgrind.

A program that does a thing `a` times and one that does it `b` times differ by (b - a) times that
thing: starting MicroPython and the program falls out. Python, which starts it, is not counted: what
it does depends on the machine's state. With a fixed seed of its hashes, a fixed environment and
nothing that tells where the working folder is, a count repeats to the last instruction.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from host_tools.emulator.child import NoMicroPython, micropython_folder
from host_tools.errors import NOT_REACHABLE, REFUSED, CommandError

_HEAP = "1M"
_TIMEOUT_S = 600
_RUNS_MAX = 5
# In a thread of its own, whose stack is empty: the garbage collector takes what Python has left on
# one, such as times, for pointers or not.
_START = """
import sys
from threading import Thread
sys.path.insert(0, sys.argv.pop(1))
from micropython_run import run_main
codes = []
thread = Thread(target=lambda: codes.append(run_main(["micropython", *sys.argv[1:]])))
thread.start()
thread.join()
sys.exit(codes[0])
"""
_CALLGRIND = [
    *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
    "--toggle-collect=main_",  # MicroPython; Python, which starts it, is not counted
]
_COLLECTED = re.compile(r"Collected : (\d+)")


def check_valgrind() -> None:
    if shutil.which("valgrind") is None:
        raise CommandError(NOT_REACHABLE, "valgrind counts instructions and is not here: make deps")


def count(folder: Path, module: str, *arguments: str, heap: str = _HEAP, stdin: bytes = b"") -> int:
    """MicroPython's instructions in a run of a module in `folder`, as two runs have them."""
    seen: set[int] = set()
    for _ in range(_RUNS_MAX):
        counted = count_once(folder, module, *arguments, heap=heap, stdin=stdin)
        if counted in seen:
            return counted
        seen.add(counted)
    raise CommandError(REFUSED, f"The counts do not repeat: {sorted(seen)}")


def count_once(
    folder: Path, module: str, *arguments: str, heap: str = _HEAP, stdin: bytes = b""
) -> int:
    """The same of one run."""
    output = _run(folder, _CALLGRIND, module, arguments, heap, stdin)
    found = _COLLECTED.search(output)
    if found is None:
        raise CommandError(REFUSED, f"valgrind counted nothing:\n{output.strip()}")
    return int(found[1])


def output_of(folder: Path, module: str, *arguments: str, heap: str = _HEAP) -> str:
    """What one run prints, nothing being counted."""
    return _run(folder, [], module, arguments, heap, b"")


def _run(
    folder: Path,
    before: list[str],
    module: str,
    arguments: tuple[str, ...],
    heap: str,
    stdin: bytes,
) -> str:
    done = subprocess.run(
        [*before, *command(module, *arguments, heap=heap)],
        cwd=folder,
        env=environment(),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_TIMEOUT_S,
        check=False,
    )
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        raise CommandError(REFUSED, f"The measured program failed:\n{text.strip()}")
    return text


def command(module: str, *arguments: str, heap: str = _HEAP) -> list[str]:
    """What runs a module of the working folder in MicroPython; `NOT_REACHABLE` without one."""
    try:
        packages = str(micropython_folder())
    except NoMicroPython as error:
        raise CommandError(NOT_REACHABLE, f"There is no MicroPython: {error}.") from error
    python = [sys.executable, "-S", "-c", _START, packages, "-X", f"heapsize={heap}"]
    return [*python, "-c", f"import {module}", *arguments]


def environment() -> dict[str, str]:
    """In which a count repeats."""
    return {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0", "MICROPYPATH": "."}
