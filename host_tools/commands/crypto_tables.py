"""The tables of `opg bench crypto`: what was counted, and what it would be on a board.

Milliseconds are estimates: nothing was run on an ESP32. They take the instructions counted on
x86_64 for those of the board, and 1 to 2 clock cycles for each (1.35 being likely): the cores issue
one at a time, loads and taken branches cost more, flash that is not cached is left out.
"""

from typing import Any

from rich.table import Table

_CYCLES = (1.0, 1.35, 2.0)  # per instruction: at best, likely, at worst
_BOARDS = (("ESP32 240 MHz", 240_000), ("C3 160 MHz", 160_000))  # cycles in a millisecond
_OPERATIONS = {
    "sign_insns": "sign (RFC 6979 included)",
    "verify_insns": "verify",
    "agree_insns": "agree (ECDH)",
    "generate_key_insns": "generate a key",
    "gcm_1k_insns": "seal 1 KiB, AES left out",
    "hkdf_insns": "HKDF to 32 bytes",
}
# In C, verifying on P-256; measured and published by others.
_PUBLISHED = (
    ("mbedTLS 3.6.6, ESP32", "173 ms", "Mbed-TLS/TF-PSA-Crypto pull request 873"),
    ("mbedTLS 4.1.0, ESP32", "231 ms", "Mbed-TLS/TF-PSA-Crypto pull request 873"),
    ("mbedTLS, ESP32-S3", "267 ms", "espressif/esp-idf pull request 19027, accelerator off"),
    ("mbedTLS, ESP32-S3", "302 ms", "espressif/esp-idf pull request 19027, accelerator on"),
)


def tables(found: dict[str, Any]) -> list[Table]:
    return [_instructions(found), _estimates(found), _published(), _heap(found), _code(found)]


def estimate_ms(instructions: int, cycles_a_ms: int) -> tuple[float, float, float]:
    """At best, likely, at worst."""
    best, likely, worst = (instructions * cycles / cycles_a_ms for cycles in _CYCLES)
    return best, likely, worst


def _instructions(found: dict[str, Any]) -> Table:
    peers = found["peers"]
    table = Table("instructions, x86_64", "ours", *peers, title="counted by callgrind")
    for key, name in _OPERATIONS.items():
        table.add_row(name, _number(found[key]), *(_number(peer[key]) for peer in peers.values()))
    return table


def _estimates(found: dict[str, Any]) -> Table:
    table = Table("ms, estimated", *(name for name, _ in _BOARDS))
    table.title = f"assumed: {_CYCLES[0]:g} to {_CYCLES[2]:g} cycles an instruction, likely 1.35"
    for key, name in _OPERATIONS.items():
        cells = [estimate_ms(found[key], cycles) for _, cycles in _BOARDS]
        table.add_row(name, *(f"{low:.1f} - {high:.1f} ({mid:.1f})" for low, mid, high in cells))
    return table


def _published() -> Table:
    table = Table("verify on P-256 in C", "published", "by", title="for comparison, not ours")
    for row in _PUBLISHED:
        table.add_row(*row)
    return table


def _heap(found: dict[str, Any]) -> Table:
    table = Table("heap bytes of one call, x86_64", "garbage", "with what is loaded and let go")
    for name, with_loading in found["heap"].items():
        table.add_row(name, _number(found["garbage"][name]), _number(with_loading))
    return table


def _code(found: dict[str, Any]) -> Table:
    table = Table("compiled", "all .mpy", "machine code", "largest function", title="bytes")
    for arch, code in found["code"].items():
        sizes = (code["mpy_bytes"], code["native_bytes"], code["largest_function_bytes"])
        table.add_row(arch, *map(_number, sizes))
    return table


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
