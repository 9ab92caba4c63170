"""The emulator without MicroPython: boards, wires and host tools in one process, one debugger.

The firmware runs as it is; what only a board has (flash, clock, pins, the cipher in C) is
replaced by honest objects below the same contract (`firmware.common.hardware.contract`).
"""
