"""Which pin is soldered to what: the one table both the firmware and the virtual board read."""

BUTTON_CANCEL = 25
BUTTON_NEXT = 26
BUTTON_OK = 27

I2C_SCL = 22
I2C_SDA = 21
DISPLAY_ADDRESS = 0x3C

TAP_UART = 1
TAP_TX = 17
TAP_RX = 16

BUZZER = 13
