"""Where the stack keeps what it writes: below one folder, `.stack/` unless `$STACK_DIR` says otherwise."""

import hashlib
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

WORKSPACE = Path(__file__).resolve().parents[4]
_OUTSIDE = Path("/var/lib/stagewright")


@dataclass(frozen=True)
class Account:
    """The unprivileged account that PostgreSQL, which refuses to run as root, is run by."""

    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """`nobody` when we are root, else None: our own account will do."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def stack_folder() -> Path:
    """The folder of the current stack, as an absolute path."""
    return Path(os.environ.get("STACK_DIR") or WORKSPACE / ".stack").absolute()


def tools_folder() -> Path:
    """Fetched and built programs; `$STACK_TOOLS` lets several stacks share them."""
    return Path(os.environ.get("STACK_TOOLS") or stack_folder() / "tools").absolute()


def reachable_folder(wanted: Path) -> Path:
    """`wanted`; if the unprivileged account cannot walk there, a folder outside. Makes nothing."""
    if wanted.is_symlink():
        return wanted.readlink()
    if unprivileged_account() is None or wanted.exists() or _everyone_may_enter(wanted.parent):
        return wanted
    return _outside(wanted)


def make_reachable(wanted: Path) -> Path:
    """Makes `reachable_folder(wanted)`; if that is outside, `wanted` becomes a link to it."""
    place = reachable_folder(wanted)
    place.mkdir(parents=True, exist_ok=True)
    if place != wanted and not wanted.is_symlink():
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.symlink_to(place)
    return place


def remove_folder(folder: Path) -> None:
    """Removes a folder and what links in it lead to outside; others may be removing it, too."""
    if not folder.exists():
        return
    for path in folder.iterdir():
        if path.is_symlink() and path.resolve().is_relative_to(_OUTSIDE):
            shutil.rmtree(path.resolve(), ignore_errors=True)
    shutil.rmtree(folder, onexc=_unless_gone)


def _unless_gone(_function: object, _path: str, error: BaseException) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _everyone_may_enter(folder: Path) -> bool:
    existing = next(path for path in (folder, *folder.parents) if path.exists()).resolve()
    return all(path.stat().st_mode & 0o001 for path in (existing, *existing.parents))


def _outside(wanted: Path) -> Path:
    digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return _OUTSIDE / f"{wanted.name}-{digest}"
