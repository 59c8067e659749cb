"""Services as processes of their own, which can be killed and started again."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from contracts.kit.settings import ServiceSettings
from support.serving import ready

DEADLINE_S = 180


@dataclass
class Program:
    """`python -m module run` with the settings and `more` as its environment; what it says is added to `log`."""

    module: str
    settings: ServiceSettings
    more: Mapping[str, str] = field(default_factory=dict)
    log: Path = Path(os.devnull)
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = (sys.executable, "-m", self.module, "run")
        environment = {**environment_of(self.settings), **self.more, "PYTHONPATH": os.pathsep.join(sys.path)}
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=output)

    async def ready(self) -> None:
        await ready(self.settings)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ends(self) -> int:
        """The exit code, once it ends by itself; negative: the signal that killed it."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), DEADLINE_S)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self.ends()

    async def stop(self) -> None:
        """Lets it end by itself: it leaves its consumer group, so that whoever comes next need not wait for it."""
        if self._process is not None and self.alive:
            self._process.terminate()
            await self.ends()


def environment_of(settings: ServiceSettings) -> Mapping[str, str]:
    """The settings as a process gets them."""
    values = settings.model_dump(mode="json", exclude_none=True)
    secrets = {name: value.get_secret_value() for name, value in settings if isinstance(value, SecretStr)}
    texts = {name: _written(value) for name, value in values.items()}
    return os.environ | {name.upper(): text for name, text in (texts | secrets).items()}


def _written(value: object) -> str:
    match value:
        case list():
            return ",".join(value)
        case dict():
            return ",".join(f"{name}={one}" for name, one in value.items())
        case _:
            return str(value)
