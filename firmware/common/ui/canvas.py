"""The screen as 16 columns of text: a title bar, up to five lines, and what the buttons do."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from firmware.common.hardware.contract import Display

COLUMNS = 16
_LINES_MAX = 5
_FONT_PX = 8
_LINE_PX = 9
_BODY_PX = 10
_HINTS_PX = 56


def draw(display: "Display", title: str, lines: list[str], hints: str) -> None:
    """Shows a whole screen; what does not fit its 16 columns is cut."""
    buffer = display.buffer
    buffer.fill(0)
    buffer.fill_rect(0, 0, COLUMNS * _FONT_PX, _FONT_PX + 1, 1)
    buffer.text(plain(title)[:COLUMNS], 0, 1, 0)
    for i, line in enumerate(lines[:_LINES_MAX]):
        buffer.text(plain(line)[:COLUMNS], 0, _BODY_PX + i * _LINE_PX, 1)
    buffer.text(plain(hints)[:COLUMNS], 0, _HINTS_PX, 1)
    display.show()


def plain(text: str) -> str:
    """The board's font has ASCII only; everything else shows as a question mark."""
    return "".join([c if " " <= c <= "~" else "?" for c in text])


def wrap(text: str) -> list[str]:
    """Words on lines of 16 columns."""
    lines = [""]
    for word in text.split():
        longer = lines[-1] + " " + word if lines[-1] else word
        if len(longer) > COLUMNS and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
