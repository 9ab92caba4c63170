"""Reads text off a display as an eye does: by its glyphs, wherever they stand, light or dark.

The glyphs are those of MicroPython's own `framebuf`, and of the CPython emulator's; nothing here
knows the firmware's layout.
"""

import subprocess
from functools import cache

from host_tools.emulator.cpython import font
from host_tools.emulator.display import HEIGHT, WIDTH, Picture
from tests.interpreters import MICROPYTHON

GLYPH_PX = 8
DRAW_THE_FONT = """
import framebuf
for code in range(32, 127):
    glyph = bytearray(8)
    framebuf.FrameBuffer(glyph, 8, 8, framebuf.MONO_VLSB).text(chr(code), 0, 0, 1)
    print(glyph.hex())
"""


def lines(picture: Picture) -> list[str]:
    """Every line of 16 columns that shows a letter, a digit or a bracket, from top to bottom."""
    found: list[str] = []
    y = 0
    while y <= HEIGHT - GLYPH_PX:
        text = _line(picture, y)
        if text:
            found.append(text)
        y += GLYPH_PX if text else 1
    return found


def _line(picture: Picture, y: int) -> str:
    cells = [_cell(picture, x, y) for x in range(0, WIDTH, GLYPH_PX)]
    for inverted in (0, 0xFF):
        glyphs = [_font().get(bytes(column ^ inverted for column in cell)) for cell in cells]
        text = "".join(glyph or "" for glyph in glyphs)
        if None not in glyphs and any(c.isalnum() or c == "[" for c in text):
            return text.strip()
    return ""


def _cell(picture: Picture, left: int, top: int) -> bytes:
    return bytes(
        sum(picture.pixel(x, top + i) << i for i in range(GLYPH_PX))
        for x in range(left, left + GLYPH_PX)
    )


@cache
def _font() -> dict[bytes, str]:
    """Glyphs by their eight columns, the topmost pixel in bit 0."""
    drawn = subprocess.run(
        [str(MICROPYTHON), "-c", DRAW_THE_FONT], capture_output=True, text=True, check=True
    ).stdout.split()
    real = {bytes.fromhex(glyph): chr(32 + i) for i, glyph in enumerate(drawn)}
    return {font.columns(chr(code)): chr(code) for code in range(32, 127)} | real
