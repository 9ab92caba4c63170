"""The bank's settings: from the environment, else from a `.env` file in the working directory."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values

from firmware.common.crypto import sha256


class SettingError(Exception):
    """A setting that cannot be used, with a sentence that says which and why."""


@dataclass(frozen=True)
class Settings:
    """What `env.sample` describes; without `database_url` a PostgreSQL of our own is started."""

    host: str
    port: int
    database_url: str | None = field(repr=False)
    database_owner_url: str | None = field(repr=False)
    postgres_dir: Path
    key_dir: Path
    root_dir: Path  # K0's; the running bank does not need it
    operator_token: str | None = field(repr=False)

    def environment(self) -> dict[str, str]:
        """The variables that give another process these settings; '' stands for not given."""
        return {
            "HOST": self.host,
            "PORT": str(self.port),
            "DATABASE_URL": self.database_url or "",
            "DATABASE_OWNER_URL": self.database_owner_url or "",
            "POSTGRES_DIR": str(self.postgres_dir),
            "BANK_KEY_DIR": str(self.key_dir),
            "ROOT_KEY_DIR": str(self.root_dir),
            "OPERATOR_TOKEN": self.operator_token or "",
        }


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environ`, or from this process's environment over `.env`."""
    if environ is None:
        from_file = {k: v for k, v in dotenv_values(".env").items() if v is not None}
        environ = {**from_file, **os.environ}
    home = Path(environ.get("OPG_HOME") or Path.home() / ".opg").absolute()
    database_url = environ.get("DATABASE_URL") or None
    return Settings(
        host=environ.get("HOST") or "127.0.0.1",
        port=_port(environ.get("PORT") or "4000"),
        database_url=database_url,
        database_owner_url=environ.get("DATABASE_OWNER_URL") or database_url,
        postgres_dir=Path(environ.get("POSTGRES_DIR") or _postgres_dir(home)).absolute(),
        key_dir=Path(environ.get("BANK_KEY_DIR") or home / "bank").absolute(),
        root_dir=Path(environ.get("ROOT_KEY_DIR") or home / "root").absolute(),
        operator_token=environ.get("OPERATOR_TOKEN") or None,
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise SettingError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _postgres_dir(home: Path) -> Path:
    # PostgreSQL refuses to run as root, and the user it runs as instead cannot enter root's home.
    if os.geteuid() != 0:
        return home / "postgres"
    return Path("/var/lib/opg") / sha256(str(home).encode()).hex()[:16]
