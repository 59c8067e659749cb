"""What authors do with rule sets: save a draft, publish it, roll back, copy rules, switch them. Checks need other
services; they are made before the transaction, and what is published is exactly what was checked.
"""

from collections.abc import Mapping, Sequence

from contracts.kit.clock import Clock, NewId
from contracts.kit.configuration import Who
from contracts.kit.database import Connection, Database
from rule_engine.application.canaries import NewCanary
from rule_engine.application.publishing import Publishing
from rule_engine.application.rule_set_checks import (
    Examined,
    Findings,
    InvalidRuleSetError,
    Programs,
    Ready,
    RuleSetChecks,
)
from rule_engine.domain.actions import Place
from rule_engine.domain.authoring.compiling import with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.editing import Copying, switched, switched_programs, switched_where_known, with_copies
from rule_engine.domain.errors import TakenError
from rule_engine.domain.execution.program import Program
from rule_engine.store.rule_sets import RuleSet, RuleSets
from rule_engine.store.versions import Key


class Authoring:
    """Keeps drafts and publishes them. Every method that publishes raises `InvalidRuleSetError` (nothing changed then),
    `TakenError` when another author wrote meanwhile, and `OutageError` while entity-service is away.
    """

    def __init__(
        self, database: Database, rule_sets: RuleSets, checks: RuleSetChecks, clock: Clock, new_id: NewId
    ) -> None:
        self._publishing: Publishing[RuleSetDocument, Mapping[str, Sequence[Program]], RuleSet] = Publishing(
            database, rule_sets, clock
        )
        self._rule_sets = rule_sets
        self._checks = checks
        self._new_id = new_id

    async def put(
        self, author: Who, code: str, document: RuleSetDocument, *, archived: bool, publish: bool
    ) -> Findings:
        """Saves the draft, and publishes it if asked to."""
        key = (author.tenant, code)
        examined = await self._checks.examine(key, document, publish=publish)
        async with self._publishing.changing(author, key) as tx:
            await self._publishing.keep(tx, key, document, archived=archived)
            document = await self._with_ids(tx, key, document)
            programs = await self._compiled(tx, key, document, examined) if publish else None
            await self._publishing.write(tx, key, author, document, programs)
        return examined.findings

    async def publish(self, author: Who, code: str, *, trying: NewCanary | None = None) -> Findings:
        """Publishes the draft; without one, the newest version as it would be published today.

        With `trying` for a share of the items alone. Raises `NothingToPublishError`.
        """
        key = (author.tenant, code)
        seen = await self._publishing.shown(key)
        examined = await self._checks.examine(key, seen.document, publish=True)
        async with self._publishing.changing(author, key) as tx:
            await self._publishing.refuse_changed(tx, key, seen)
            programs = await self._compiled(tx, key, seen.document, examined)
            await self._publishing.write(tx, key, author, seen.document, programs, trying)
        return examined.findings

    async def roll_back(self, author: Who, code: str, version: int) -> Findings:
        """Publishes an earlier published version as a new one; a draft stays. Raises `NothingToPublishError`."""
        key = (author.tenant, code)
        old = (await self._publishing.published(key, version)).document
        examined = await self._checks.examine(key, old, publish=True)
        async with self._publishing.changing(author, key) as tx:
            programs = await self._compiled(tx, key, old, examined)
            await self._publishing.write_beside_draft(tx, key, author, old, programs)
        return examined.findings

    async def switch(self, author: Who, code: str, rules: Sequence[Place], *, enabled: bool) -> Findings:
        """Switches rules (stage, name) on or off in what is published, and in the draft; all else stays as published.

        Only what switching breaks is refused. Raises `NothingToPublishError`, `NotThereError`.
        """
        key = (author.tenant, code)
        newest = await self._publishing.newest(key)
        document = switched(newest.document, rules, enabled)
        before, after = [await self._checks.examine(key, one) for one in (newest.document, document)]
        if broken := [issue for issue in after.findings.issues if issue not in before.findings.issues]:
            raise InvalidRuleSetError(broken)
        ready = Ready(switched_programs(newest.programs or {}, document), after.others)
        async with self._publishing.changing(author, key) as tx:
            await self._publishing.refuse_newer(tx, key, newest)
            programs = await self._seen_with_others(tx, key, ready)
            await self._publishing.write_beside_draft(
                tx, key, author, document, programs, lambda draft: switched_where_known(draft, rules, enabled)
            )
        return after.findings

    async def copy(self, author: Who, code: str, copying: Copying, to: str, *, publish: bool) -> Findings:
        """Copies rules of a stage to the end of a stage of the same or another rule set, as its draft or published.

        Raises `NothingToPublishError`, `NotThereError`.
        """
        source = await self._publishing.shown((author.tenant, code))
        key = (author.tenant, to)
        target = await self._publishing.shown(key)
        document = with_copies(target.document, source.document, copying)
        examined = await self._checks.examine(key, document, publish=publish)
        async with self._publishing.changing(author, key) as tx:
            await self._publishing.refuse_changed(tx, key, target)
            document = await self._with_ids(tx, key, document)
            programs = await self._compiled(tx, key, document, examined) if publish else None
            await self._publishing.write(tx, key, author, document, programs)
        return examined.findings

    async def _with_ids(self, tx: Connection, key: Key, document: RuleSetDocument) -> RuleSetDocument:
        return with_ids(document, await self._publishing.documents(tx, key), self._new_id)

    async def _compiled(self, tx: Connection, key: Key, document: RuleSetDocument, examined: Examined) -> Programs:
        return await self._seen_with_others(tx, key, await self._checks.compile(document, examined))

    async def _seen_with_others(self, tx: Connection, key: Key, ready: Ready) -> Programs:
        """Two rule sets that move items in a circle, published at one moment, must be checked together.

        The rule set is locked first, as everywhere: in the other order two authors would wait for each other.
        """
        await self._rule_sets.lock(tx, key)
        await self._rule_sets.lock_publishing(tx, key[0])
        if ready.others is not None and ready.others.keys() != (await self._rule_sets.others(tx, key)).keys():
            raise TakenError(
                "another rule set of yours was published meanwhile: publish again, so that both are checked"
            )
        return ready.programs
