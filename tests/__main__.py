"""Every test: those on virtual boards, which wait more than they reckon, beside all others."""

import signal
import subprocess
import sys
from tempfile import TemporaryFile

_BOARDS = "tests/system"
_PYTEST = [sys.executable, "-m", "pytest"]


def main() -> int:
    """pytest's exit code of whichever half failed, 0 where both passed."""
    # Where a shell ignores Ctrl-C for us, the programs under test would do so too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with TemporaryFile() as told:
        boards = subprocess.Popen([*_PYTEST, _BOARDS], stdout=told, stderr=subprocess.STDOUT)
        try:
            others = subprocess.run([*_PYTEST, f"--ignore={_BOARDS}"], check=False).returncode
            print("On virtual boards:", flush=True)
            return others or boards.wait()
        finally:
            if boards.poll() is None:
                boards.send_signal(signal.SIGINT)
            boards.wait()
            told.seek(0)
            print(told.read().decode(errors="replace"), end="", flush=True)


if __name__ == "__main__":
    sys.exit(main())
