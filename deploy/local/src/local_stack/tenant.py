"""Whose documents and tokens: the tenant that a command names, or the last one that was named."""

from pathlib import Path
from uuid import UUID, uuid4

from local_stack.errors import StackError

_FILE = "tenant"
NEW = "new"


def chosen_tenant(folder: Path, named: str | None) -> UUID:
    """The tenant named (`new`: one made up now), which the stack in `folder` remembers; else the remembered one.

    Raises StackError when there is none, or the name is no UUID.
    """
    if named is None:
        return _remembered(folder)
    tenant = uuid4() if named == NEW else _parsed(named)
    remember_tenant(folder, tenant)
    return tenant


def remember_tenant(folder: Path, tenant: UUID) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _FILE).write_text(f"{tenant}\n")


def has_tenant(folder: Path) -> bool:
    return (folder / _FILE).is_file()


def forget_tenant(folder: Path) -> None:
    (folder / _FILE).unlink(missing_ok=True)


def _remembered(folder: Path) -> UUID:
    if not has_tenant(folder):
        raise StackError("whose? name a tenant by --tenant <uuid>, or --tenant new; the stack remembers it")
    return _parsed((folder / _FILE).read_text().strip())


def _parsed(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise StackError(f"--tenant: {text!r:.60} is no UUID; `--tenant new` makes a new tenant") from error
