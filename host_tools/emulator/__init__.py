"""Virtual boards: a real MicroPython behind a serial port, with flash, buttons and a display."""
