"""An SSD1306 display of 128x64 pixels, at the level of the bytes that arrive over I2C.

Addressing, control bytes and commands as in Solomon Systech's SSD1306 data sheet (rev. 1.1):
section 8.1.5 (I2C writes), tables 9-1 (commands), sections 10.1.3 to 10.1.6 (addressing).
"""

import struct
import zlib
from dataclasses import dataclass

WIDTH, HEIGHT = 128, 64
PAGES = HEIGHT // 8

_HORIZONTAL, _VERTICAL, _PAGE = 0, 1, 2
# How many bytes follow a command; the others stand alone.
_ARGUMENTS = {
    0x20: 1, 0x21: 2, 0x22: 2, 0x26: 6, 0x27: 6, 0x29: 5, 0x2A: 5, 0x81: 1, 0x8D: 1,
    0xA3: 2, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1,
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """What the eye sees: 1,024 bytes, each eight pixels of one column, the topmost in bit 0."""

    buffer: bytes

    def pixel(self, x: int, y: int) -> int:
        return self.buffer[y // 8 * WIDTH + x] >> y % 8 & 1

    def text(self) -> str:
        """32 lines of half blocks for a terminal."""
        return "\n".join(
            "".join(" ▀▄█"[self.pixel(x, y) + 2 * self.pixel(x, y + 1)] for x in range(WIDTH))
            for y in range(0, HEIGHT, 2)
        )

    def png(self, scale: int = 4) -> bytes:
        """A black and white PNG, each pixel `scale` wide and high."""
        rows = b"".join((b"\0" + self._row(y, scale)) * scale for y in range(HEIGHT))
        header = struct.pack(">IIBBBBB", WIDTH * scale, HEIGHT * scale, 1, 0, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)

    def _row(self, y: int, scale: int) -> bytes:
        bits = "".join(str(self.pixel(x, y)) * scale for x in range(WIDTH))
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


class Ssd1306:
    """The controller and its 1,024 bytes of display memory."""

    def __init__(self) -> None:
        self.memory = bytearray(WIDTH * PAGES)
        self._on = self._all_on = self._inverted = False
        self._segments_remapped = self._rows_remapped = False
        self._start_line = 0
        self._mode = _PAGE
        self._column, self._columns = 0, (0, WIDTH - 1)
        self._page, self._pages = 0, (0, PAGES - 1)
        self._command: list[int] = []

    def write(self, message: bytes) -> None:
        """One I2C write: control bytes, each saying what follows it and how much of it."""
        at = 0
        while at + 1 < len(message):
            control, one_byte = message[at], message[at] & 0x80
            end = at + 2 if one_byte else len(message)
            for byte in message[at + 1 : end]:
                self._data(byte) if control & 0x40 else self._collect(byte)
            at = end

    def picture(self) -> Picture:
        """Modules are mounted so that both remappings on (0xA1, 0xC8) show it upright."""
        if not self._on:
            return Picture(bytes(len(self.memory)))
        shown = bytearray(len(self.memory))
        for y in range(HEIGHT):
            for x in range(WIDTH):
                shown[y // 8 * WIDTH + x] |= self._lit(x, y) << y % 8
        return Picture(bytes(shown))

    def _lit(self, x: int, y: int) -> int:
        column = x if self._segments_remapped else WIDTH - 1 - x
        row = (y if self._rows_remapped else HEIGHT - 1 - y) + self._start_line
        row %= HEIGHT
        bit = self.memory[row // 8 * WIDTH + column] >> row % 8 & 1
        return int(bool(bit or self._all_on) != self._inverted)

    def _data(self, byte: int) -> None:
        self.memory[self._page * WIDTH + self._column] = byte
        if self._mode == _PAGE:
            self._column = (self._column + 1) % WIDTH
        elif self._mode == _HORIZONTAL:
            self._column, wrapped = _next(self._column, self._columns)
            if wrapped:
                self._page, _ = _next(self._page, self._pages)
        else:
            self._page, wrapped = _next(self._page, self._pages)
            if wrapped:
                self._column, _ = _next(self._column, self._columns)

    def _collect(self, byte: int) -> None:
        self._command.append(byte)
        if len(self._command) > _ARGUMENTS.get(self._command[0], 0):
            code, *arguments = self._command
            self._command = []
            self._execute(code, arguments)

    def _execute(self, code: int, arguments: list[int]) -> None:
        if code < 0x20 or 0xB0 <= code < 0xB8:
            self._point(code)
        elif code == 0x20:
            self._mode = arguments[0] & 3
        elif code == 0x21:
            self._columns = (arguments[0] & 0x7F, arguments[1] & 0x7F)
            self._column = self._columns[0]
        elif code == 0x22:
            self._pages = (arguments[0] & 7, arguments[1] & 7)
            self._page = self._pages[0]
        elif 0x40 <= code < 0x80:
            self._start_line = code & 0x3F
        else:
            self._switch(code)

    def _point(self, code: int) -> None:
        """Where the next byte goes, in page addressing mode."""
        if code < 0x10:
            self._column = self._column & 0x70 | code
        elif code < 0x20:
            self._column = (code & 7) << 4 | self._column & 0x0F
        else:
            self._page = code & 7

    def _switch(self, code: int) -> None:
        """What is set by the lowest bit; timing, contrast and voltages show nothing here."""
        flag = bool(code & 1)
        match code & 0xFE:
            case 0xA0:
                self._segments_remapped = flag
            case 0xA4:
                self._all_on = flag
            case 0xA6:
                self._inverted = flag
            case 0xAE:
                self._on = flag
            case 0xC0 | 0xC8:
                self._rows_remapped = code == 0xC8


def _next(position: int, bounds: tuple[int, int]) -> tuple[int, bool]:
    """One step within bounds, and whether it went back to the first."""
    return (bounds[0], True) if position == bounds[1] else (position + 1, False)
