"""Which pin is soldered to what on an ESP32-C3; `opg flash` puts this in the place of `pins`."""

BUTTON_CANCEL = 0
BUTTON_NEXT = 1
BUTTON_OK = 3

I2C_SCL = 5
I2C_SDA = 4
DISPLAY_ADDRESS = 0x3C

TAP_UART = 1
TAP_TX = 7
TAP_RX = 6

BUZZER = 10
