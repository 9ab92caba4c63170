"""A desk with a computer: the commands as people type them there."""

import json
import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

from tests.system.office import Office

OPG = Path(sysconfig.get_path("scripts")) / "opg"
TIMEOUT_S = 120


class Desk:
    """A computer with two virtual boards: bert's pays, anna's is paid."""

    def __init__(self, home: Path, office: Office) -> None:
        self.home, self.office = home, office
        self.bert, self.anna = office.new_name("bert"), office.new_name("anna")

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(OPG), *arguments],
            cwd=self.home,
            env={**os.environ, "OPG_HOME": str(self.home), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def opg(self, *arguments: str) -> str:
        """What a command that must succeed printed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> dict[str, Any]:
        """The one object that a command prints, and nothing else."""
        told = self.opg(*arguments, "--json")
        assert told.count("\n") == 1
        found = json.loads(told)
        assert isinstance(found, dict)
        return found

    def fails(self, *arguments: str) -> tuple[int, int, str]:
        """Exit code, reason (0 where there is none) and the line it ends with."""
        done = self.run(*arguments)
        assert "Traceback" not in done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("Error: ")
        reason = re.search(r" \[reason (\d+)\]$", last)
        return done.returncode, int(reason[1]) if reason else 0, last

    def write(self, name: str, text: str | bytes) -> str:
        (self.home / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    def put_news_away(self, port: str) -> None:
        """As its user does with OK, one after the other."""
        while self.json("status", port)["title"] in ("RECEIVED", "NO PURSE", "FINGERPRINT"):
            self.opg("press", port, "ok")
            sleep(0.2)  # else the next press may be for whatever comes then

    @contextmanager
    def joined(self) -> Iterator[None]:
        """A wire between the two boards."""
        wire = subprocess.Popen(
            [str(OPG), "wire", "bert", "anna"],
            env={**os.environ, "OPG_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert wire.stdout
        try:
            assert "joined" in wire.stdout.readline()
            yield
        finally:
            wire.terminate()
            wire.communicate(timeout=10)

    def enrol(self, port: str, account: str) -> dict[str, Any]:
        self.office.open(account, "100.00" if port == "bert" else "")
        options = ["--account", account, "--bank", self.office.url, "--token", self.office.token]
        return self.json("enrol", port, *options, "--yes")
