"""The `opg` command: one group, each command in a file of its own below `commands/`."""

import errno
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from firmware.common.wire.errors import Refused
from host_tools.errors import WRONG_USAGE, CommandError, refused

# Command name -> module below host_tools.commands; loaded when asked for, so `opg --help` is quick.
_COMMANDS = {
    "demo": "demo",
    "bank": "bank",
    "board": "board",
    "wire": "board",
    "press": "finger",
    "screen": "finger",
    "flash": "flash",
    "verify": "flash",
    "doctor": "flash",
    "status": "device",
    "enrol": "enrol",
    "key": "device",
    "log": "device",
    "reset": "device",
    "charge": "taps",
    "pay": "taps",
    "refund": "taps",
    "top-up": "taps",
    "close": "taps",
    "purses": "taps",
    "import": "payments",
    "export": "payments",
    "evidence": "payments",
    "ledger": "payments",
    "bridge": "bridge",
    "bench": "bench",
}


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"host_tools.commands.{_COMMANDS[cmd_name]}")
        name = cmd_name.replace("-", "_")
        return getattr(module, name + "_" if iskeyword(name) else name)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; what is refused below it ends `opg` with 3, a bad path with 2."""
        try:
            return super().invoke(ctx)
        except Refused as error:
            raise refused(error) from None
        except OSError as error:
            if error.errno == errno.EPIPE or error.filename is None:
                raise
            raise CommandError(WRONG_USAGE, f"{error.filename}: {error.strerror}") from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="offline-payment-gateway")
def main() -> None:
    """Offline Payment Gateway: boards, bridge and bank from one command.

    Exit codes: 0 done, 2 wrong usage, 3 refused (the reason's number is on standard error),
    4 not reachable.
    """
