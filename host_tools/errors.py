"""How a command fails: an exit code, one sentence, and where there is one a reason's number."""

from collections.abc import Callable
from typing import Any

import click

from firmware.common.wire import reasons
from firmware.common.wire.errors import Refused

WRONG_USAGE = 2
REFUSED = 3
NOT_REACHABLE = 4


class CommandError(click.ClickException):
    """Shown on standard error as one line; ends `opg` with `exit_code`."""

    def __init__(self, exit_code: int, message: str, reason: int | None = None) -> None:
        super().__init__(message)
        # click declares it for the class; an instance may have its own all the same.
        self.exit_code = exit_code  # pyright: ignore[reportAttributeAccessIssue]
        self.reason = reason

    def show(self, file: Any = None) -> None:
        code = "" if self.reason is None else f" [reason {self.reason}]"
        click.echo(f"Error: {self.message}{code}", err=True, file=file)


def refused(error: Refused, advice: Callable[[int], str] = reasons.advice) -> CommandError:
    """A refusal as a command's end: what happened, and what to do."""
    detail = error.detail or reasons.name(error.reason)
    message = f"{reasons.name(error.reason)}: {detail}. {advice(error.reason)}"
    return CommandError(REFUSED, message, error.reason)
