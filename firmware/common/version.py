"""The firmware's version, as `opg doctor` and a board's status tell it."""

VERSION = "0.1.0"
