"""Writes what the boards' P-256 is generated from: `python -m host_tools.p256` writes it anew.

    field      the field arithmetic, one viper function       -> firmware/common/crypto/field.py
    field_compact  the same in little code, for boards with no room for it
    formulas   point formulas as programs for that function   -> firmware/common/crypto/programs.py
    tables     multiples of the base point                    -> firmware/common/crypto/tables.py

`tests/test_p256_generated.py` proves that what is committed is what these write.
"""
