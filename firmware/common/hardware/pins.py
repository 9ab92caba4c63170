"""Which pin is soldered to what on an ESP32; the virtual board reads this table too.

The ESP32-S3 and the ESP32-C3 have other pins. `opg flash` puts the table of the board's own chip
in this one's place: `pins_esp32s3`, `pins_esp32c3`. All have the same names.
"""

BUTTON_CANCEL = 25
BUTTON_NEXT = 26
BUTTON_OK = 27

I2C_SCL = 22
I2C_SDA = 21
DISPLAY_ADDRESS = 0x3C

TAP_UART = 1
TAP_TX = 33
TAP_RX = 32

BUZZER = 13
