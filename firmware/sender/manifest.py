"""The sender as a frozen image: MicroPython's build runs this file, in this folder.

    make -C ports/esp32 BOARD=ESP32_GENERIC_S3 FROZEN_MANIFEST=<path of this file>

It names what `opg flash --role sender` copies, by the same rule, so that the two never differ.
"""

# ruff: noqa: F821
# pyright: reportUndefinedVariable=false
import runpy
from pathlib import Path

_rule = runpy.run_path("../../host_tools/firmware_files.py")
_files = _rule["source_files"](Path("../..").resolve(), "sender")

include("$(PORT_DIR)/boards/manifest.py")  # what every board of the port has
package("firmware", [f.removeprefix("firmware/") for f in _files], base_path="../..", opt=3)
module("main.py", base_path="entry", opt=3)
