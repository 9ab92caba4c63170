"""A board's USB port as the byte pipe that the link runs over."""

import serial

from host_tools.errors import NOT_REACHABLE, CommandError

_READ_BYTES = 4096


class SerialPort:
    """Fulfils `firmware.common.hardware.contract.Port`; never blocks."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._serial = serial.Serial(baudrate=115_200, timeout=0, exclusive=True)
        # An ESP32's USB bridge wires these to reset; opening the port must not restart it.
        self._serial.dtr = False
        self._serial.rts = False
        self._serial.port = path
        try:
            self._serial.open()
        except (serial.SerialException, OSError) as error:
            raise CommandError(NOT_REACHABLE, _advice(path, error)) from None

    def read(self) -> bytes:
        """What has arrived; a pulled plug raises `CommandError`."""
        try:
            return self._serial.read(_READ_BYTES)
        except (serial.SerialException, OSError):
            raise CommandError(NOT_REACHABLE, f"{self.path} is gone; is the cable in?") from None

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError):
            raise CommandError(NOT_REACHABLE, f"{self.path} is gone; is the cable in?") from None

    def close(self) -> None:
        self._serial.close()


def _advice(path: str, error: Exception) -> str:
    text = str(error)
    if "exclusively lock" in text or "busy" in text:
        return f"{path} is in use by another program; close it and try again."
    if "Permission denied" in text:
        return f"no permission for {path}; join the group that owns it (dialout, uucp)."
    return f"no board at {path}; check the cable, or list virtual boards with: opg board list"
