"""Which pin is soldered to what on an ESP32-S3; `opg flash` puts this in the place of `pins`."""

BUTTON_CANCEL = 4
BUTTON_NEXT = 5
BUTTON_OK = 6

I2C_SCL = 9
I2C_SDA = 8
DISPLAY_ADDRESS = 0x3C

TAP_UART = 1
TAP_TX = 17
TAP_RX = 18

BUZZER = 7
