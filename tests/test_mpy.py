"""The reader of .mpy files: against what the compiler writes, whole and broken."""

import pytest

from host_tools import mpy
from host_tools.firmware_target import ARCHITECTURES, run_compiler
from host_tools.mpy import NotMpy, read_mpy

SOURCE = """
import micropython
TEXT, DATA, BIG, PAIR = "text", b"data", 1 << 70, (1.5, ("inner", b"tuple", None, True))

def plain(a):
    def inner():
        return a
    return inner

@micropython.native
def native(a):
    return a + 1

@micropython.viper
def viper(a: int) -> int:
    return a + 1
"""


def compiled(tmp_path, arch: str, *options: str) -> bytes:
    source, made = tmp_path / "source.py", tmp_path / "made.mpy"
    source.write_text(SOURCE)
    run_compiler(f"-march={arch}", *options, "-o", str(made), str(source))
    return made.read_bytes()


@pytest.mark.parametrize("arch", ["x64", "xtensawin", "rv32imc", "armv7emsp", "armv6m"])
def test_functions_of_a_module(arch: str, tmp_path):
    module = read_mpy(compiled(tmp_path, arch))
    assert module.arch == arch and arch in ARCHITECTURES
    kinds = [function.kind for function in module.module.walk()]
    # The module, plain, inner, native, viper.
    assert kinds == [mpy.BYTECODE, mpy.BYTECODE, mpy.BYTECODE, mpy.NATIVE, mpy.VIPER]
    assert min(len(code) for code in module.native()) > 20


def test_code_is_cut_where_it_begins_and_ends(tmp_path):
    _, viper = read_mpy(compiled(tmp_path, "x64")).native()
    assert viper[:1] == b"\x55" and viper[-1:] == b"\xc3"  # push rbp … ret


def test_flags_of_an_architecture_are_read(tmp_path):
    assert read_mpy(compiled(tmp_path, "rv32imc", "-march-flags=zba")).arch == "rv32imc"


def test_what_ends_early_or_goes_on_is_refused(tmp_path):
    data = compiled(tmp_path, "xtensawin")
    for length in range(len(data)):
        with pytest.raises(NotMpy):
            read_mpy(data[:length])
    with pytest.raises(NotMpy):
        read_mpy(data + b"\x00")


def test_other_files_are_refused(tmp_path):
    data = compiled(tmp_path, "xtensawin")
    for wrong in (b"", b"C" + data[1:], b"M\x05" + data[2:], b"M\x06\x3c\x1f" + data[4:]):
        with pytest.raises(NotMpy):
            read_mpy(wrong)
