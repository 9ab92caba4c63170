"""The SSD1306 OLED, 128 x 64 over I2C (Solomon Systech data sheet, rev 1.1, sections 8 to 10)."""

# pyright: reportMissingImports=false, reportAttributeAccessIssue=false
# `framebuf` and `machine` exist on a board only.

import framebuf

_WIDTH = 128
_HEIGHT = 64
# Off; horizontal addressing; start line 0; column and row order; 64 rows; clock; charge pump on;
# contrast; show memory, not inverted; on.
_START = (
    b"\xae\x20\x00\x40\xa1\xc8\xa8\x3f\xd3\x00\xda\x12\xd5\x80\xd9\xf1\xdb\x30"
    b"\x8d\x14\x81\xcf\xa4\xa6\xaf"
)
_WHOLE = b"\x21\x00\x7f\x22\x00\x07"  # columns 0 to 127, pages 0 to 7


class Ssd1306:
    """Draw into `buffer`, then `show`."""

    def __init__(self, i2c: object, address: int) -> None:
        self._i2c = i2c
        self._address = address
        self._memory = bytearray(_WIDTH * _HEIGHT // 8)
        self.buffer = framebuf.FrameBuffer(self._memory, _WIDTH, _HEIGHT, framebuf.MONO_VLSB)
        self._command(_START)

    def show(self) -> None:
        """Sends the 1,024 bytes of display memory."""
        self._command(_WHOLE)
        self._i2c.writevto(self._address, (b"\x40", self._memory))

    def _command(self, commands: bytes) -> None:
        # Control byte 0x00: commands follow.
        self._i2c.writeto(self._address, b"\x00" + commands)
