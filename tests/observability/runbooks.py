"""The runbooks' pages as whoever is called at night uses them: copies their commands, and fills in what is in `<…>`."""

import asyncio
import os
import re
from dataclasses import dataclass, field

import asyncpg

from local_stack.layout import WORKSPACE
from local_stack.stack import Stack

PAGES = WORKSPACE / "docs/runbooks"
_BLOCKS = re.compile(r"^```(sh|sql|promql)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A page's commands or query."""

    page: str
    section: str
    """`First look` or `First aid`."""
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """Those of a page, in their order."""
    sections = re.split(r"^## (.*)$", (PAGES / f"{page}.md").read_text(), flags=re.MULTILINE)[1:]
    return [
        Block(page, section, language, text)
        for section, content in zip(sections[::2], sections[1::2], strict=True)
        for language, text in _BLOCKS.findall(content)
    ]


def pages() -> list[str]:
    return sorted(page.stem for page in PAGES.glob("*.md"))


@dataclass
class Terminal:
    """Types blocks in, at the stack; `done` are those that ended well."""

    stack: Stack
    done: set[Block] = field(default_factory=set)
    windows: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(3))
    """In so many somebody types at once."""

    async def first_look(self, page: str, **filled_in: object) -> str:
        """What all commands below *First look* print."""
        return await self._type_in(page, "First look", filled_in)

    async def first_aid(self, page: str, **filled_in: object) -> str:
        return await self._type_in(page, "First aid", filled_in)

    async def _type_in(self, page: str, section: str, filled_in: dict[str, object]) -> str:
        chosen = [one for one in blocks(page) if one.section == section and one.language != "promql"]
        shown = [await self.run(one, **filled_in) for one in chosen]
        return "\n".join(shown)

    async def run(self, block: Block, **filled_in: object) -> str:
        """The output. Fails when a command ends with another code than 0, and for what is not filled in."""
        text = block.text
        for name, value in filled_in.items():
            text = text.replace(f"<{name}>", str(value))
        assert not re.search(r"<[a-z]+>", text), f"{block.page}: fill in {text}"
        async with self.windows:
            output = await (self._statement(text) if block.language == "sql" else self._commands(block.page, text))
        self.done.add(block)
        return output

    async def _commands(self, page: str, text: str) -> str:
        process = await asyncio.create_subprocess_exec(
            "bash",
            "-euo",
            "pipefail",
            "-c",
            text,
            cwd=WORKSPACE,
            env=os.environ | {"STACK_DIR": str(self.stack.folder), "COLUMNS": "300"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 0, f"{page}: {text} ended with {process.returncode}:\n{output.decode()[-3000:]}"
        return output.decode()

    async def _statement(self, text: str) -> str:
        """In the database of the service that the first line names, as a superuser."""
        service, statement = re.fullmatch(r"-- ([a-z-]+)\n(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        address, _, _ = self.stack.postgres.dsn.rpartition("/")
        connection = await asyncpg.connect(f"{address}/{service.replace('-', '_')}")
        try:
            return "\n".join(str(tuple(row)) for row in await connection.fetch(statement))
        finally:
            await connection.close()
