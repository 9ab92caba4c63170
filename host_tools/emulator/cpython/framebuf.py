"""The part of MicroPython's `framebuf` that the firmware draws with: MONO_VLSB only.

Each byte holds eight pixels of one column, the topmost in bit 0.
"""

from host_tools.emulator.cpython.font import GLYPH_PX, columns

MONO_VLSB = 0


class FrameBuffer:
    """Draws into `buffer`; what lies outside is cut off."""

    def __init__(self, buffer: bytearray, width: int, height: int, format: int) -> None:
        if format != MONO_VLSB or height % 8 or len(buffer) < width * height // 8:
            raise ValueError("only MONO_VLSB in whole bytes is emulated")
        self._buffer = buffer
        self._width = width
        self._height = height

    def fill(self, color: int) -> None:
        self._buffer[:] = bytes((0xFF if color else 0,)) * len(self._buffer)

    def pixel(self, x: int, y: int, color: int | None = None) -> int | None:
        """Sets a pixel; without a colour, answers it."""
        if not (0 <= x < self._width and 0 <= y < self._height):
            return None
        if color is None:
            return self._buffer[y // 8 * self._width + x] >> y % 8 & 1
        self._column(x, y, 1, color)
        return None

    def fill_rect(self, x: int, y: int, width: int, height: int, color: int) -> None:
        for column in range(x, x + width):
            self._column(column, y, (1 << height) - 1, color)

    def text(self, text: str, x: int, y: int, color: int = 1) -> None:
        """Eight pixels a character; only what is ink is drawn."""
        for i, character in enumerate(text):
            for j, bits in enumerate(columns(character)):
                self._column(x + i * GLYPH_PX + j, y, bits, color)

    def _column(self, x: int, y: int, bits: int, color: int) -> None:
        """Draws `bits` downwards from (x, y), the lowest first."""
        if not 0 <= x < self._width:
            return
        bits = bits << y if y >= 0 else bits >> -y
        for page in range(self._height // 8):
            ink = bits >> page * 8 & 0xFF
            at = page * self._width + x
            if ink and color:
                self._buffer[at] |= ink
            elif ink:
                self._buffer[at] &= ~ink
