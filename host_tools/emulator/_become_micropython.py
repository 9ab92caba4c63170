"""Run by CPython to become MicroPython: SITE_PACKAGES, then MicroPython's own arguments.

The virtual board is this process's parent: it must not outlive it, and must take its SIGINT.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

parent, site_packages, *arguments = sys.argv[1:]
ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() != int(parent):
    sys.exit("the virtual board is gone already")
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.path.insert(0, site_packages)

from micropython_run import run_main  # noqa: E402  found only now

sys.exit(run_main(["micropython", *arguments]))
