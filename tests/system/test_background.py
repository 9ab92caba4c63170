"""Boards as processes of their own: `opg board`, `wire`, `press`, `screen`, and names for ports."""

import json
import os
import signal
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
import serial

from host_tools.emulator import registry
from host_tools.emulator.control import RunningBoard
from host_tools.errors import NOT_REACHABLE, REFUSED, WRONG_USAGE, CommandError
from tests.system.conftest import type_raw

OPG = Path(sysconfig.get_path("scripts")) / "opg"
TIMEOUT_S = 20

Opg = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def opg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opg]:
    """Run `opg` in a home that lies deeper than the path of a socket may be long."""
    home = tmp_path / ("deep" * 30)
    monkeypatch.setenv("OPG_HOME", str(home))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(OPG), *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )

    yield run
    for name in registry.names():
        registry.stop(name)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = monotonic() + 5
    while not true():
        assert monotonic() < deadline
        sleep(0.02)


def runs(pid: int) -> bool:
    """Not counting a zombie that its new parent has not looked at yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_start_list_stop(opg: Opg) -> None:
    started = opg("board", "start", "anna", "bert")
    assert started.returncode == 0, started.stderr
    listed = json.loads(opg("board", "list", "--json").stdout)["boards"]
    assert [(board["name"], board["running"]) for board in listed] == [
        ("anna", True),
        ("bert", True),
    ]
    for board in listed:
        assert f"REPL {board['repl']} " in started.stdout
        assert f"tap {board['tap']} " in started.stdout
    assert opg("board", "stop", "anna").returncode == 0
    assert opg("board", "stop", "anna").returncode == NOT_REACHABLE
    assert opg("board", "stop", "--all").returncode == 0
    assert [line.split() for line in opg("board", "list").stdout.splitlines()] == [
        ["anna", "stopped"],
        ["bert", "stopped"],
    ]
    assert not any(runs(board["pid"]) for board in listed)


def test_started_twice_is_the_same_board(opg: Opg) -> None:
    assert opg("board", "start", "anna").stdout == opg("board", "start", "anna").stdout


def test_wrong_usage(opg: Opg) -> None:
    assert opg("board", "stop").returncode == WRONG_USAGE
    assert opg("board", "stop", "anna", "--all").returncode == WRONG_USAGE
    assert opg("board", "start", "../anna").returncode == WRONG_USAGE
    assert opg("press", "anna", "fire").returncode == WRONG_USAGE


def test_a_name_stands_for_its_ports(opg: Opg) -> None:
    opg("board", "start", "anna")
    anna = registry.find("anna")
    assert anna
    assert registry.resolve("anna") == anna.repl
    assert registry.resolve_tap("anna") == anna.tap
    assert registry.resolve(anna.repl) == anna.repl
    assert registry.find(anna.repl) == anna
    assert registry.find("/dev/null") is None


@pytest.mark.parametrize("port", ["nobody", "/dev/there-is-no-such-port"])
def test_a_port_that_is_not_there(opg: Opg, port: str) -> None:
    with pytest.raises(CommandError) as caught:
        registry.resolve(port)
    assert caught.value.exit_code == NOT_REACHABLE
    for command in (["press", port, "ok"], ["screen", port], ["wire", port, port]):
        assert opg(*command).returncode == NOT_REACHABLE


def test_a_real_board_has_its_own_buttons(opg: Opg) -> None:
    for command in (["press", "/dev/null", "ok"], ["screen", "/dev/null"]):
        done = opg(*command)
        assert done.returncode == REFUSED
        assert "itself" in done.stderr


def test_press_and_screen(opg: Opg, tmp_path: Path) -> None:
    """The program turns the whole display on when OK goes down."""
    opg("board", "start", "anna")
    program = """
from machine import I2C, Pin
i2c = I2C(0, scl=Pin(22), sda=Pin(21))
ok = Pin(27, Pin.IN, Pin.PULL_UP)
while ok.value(): pass
i2c.writeto(60, b'\\0\\xa5\\xaf')
print("pressed")
"""
    with serial.Serial(registry.resolve("anna"), timeout=5) as port:
        type_raw(port, program)
        assert opg("screen", "anna").stdout.split() == []
        assert opg("press", "anna", "ok", "--hold", "100").returncode == 0
        assert port.read_until(b"pressed\n") == b"pressed\n"
    assert opg("screen", "anna").stdout.split() == ["█" * 128] * 32
    assert opg("screen", "anna", "--png", str(tmp_path / "shot.png")).returncode == 0
    assert (tmp_path / "shot.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_power_and_events_over_the_control_socket(opg: Opg) -> None:
    opg("board", "start", "anna")
    anna = registry.find("anna")
    assert anna
    anna.power_off()
    assert anna.status()["power"] == "off"
    anna.power_on(fault=(1_000_000, 0))
    anna.reset()
    assert [event for _, event in anna.events()] == [
        "power on",
        "power off",
        "power on",
        "reset button",
    ]


def test_wire_until_ctrl_c(opg: Opg) -> None:
    opg("board", "start", "anna", "bert")
    wire = subprocess.Popen([str(OPG), "wire", "anna", "bert"], stdout=subprocess.PIPE, text=True)
    assert wire.stdout
    assert "joined" in wire.stdout.readline()
    taps = [serial.Serial(registry.resolve(name), timeout=5) for name in ("anna", "bert")]
    uart = "from machine import UART; uart = UART(1, tx=33, rx=32, timeout=3000)\n"
    type_raw(taps[1], uart + "print('listening'); print(uart.read(5))")
    taps[1].read_until(b"listening\n")
    type_raw(taps[0], uart + "uart.write('hello')")
    assert taps[1].read_until(b"\n") == b"b'hello'\n"
    for tap in taps:
        tap.close()
    wire.send_signal(signal.SIGINT)
    out, _ = wire.communicate(timeout=5)
    assert "anna -> bert: 5 bytes, bert -> anna: 0 bytes" in out
    assert wire.returncode == 0


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_micropython_ends_with_its_board(opg: Opg, signal_number: int) -> None:
    opg("board", "start", "anna")
    anna = registry.find("anna")
    assert anna
    child = anna.status()["child"]
    os.kill(anna.pid, signal_number)
    wait_until(lambda: not runs(anna.pid) and not runs(child))
    assert registry.find("anna") is None
    assert opg("board", "start", "anna").returncode == 0
    again = registry.find("anna")
    assert isinstance(again, RunningBoard)
    assert again.pid != anna.pid
    assert not Path(anna.control).parent.exists()
