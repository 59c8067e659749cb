"""Pipelines and their stages."""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from contracts.contexts import PipelineSchema, StageContext
from contracts.kit.database import Connection
from entity_service.domain.errors import ConflictError

_SELECT = """SELECT p.code, p.name, p.kind, p.archived, s.code AS stage, s.name AS stage_name, s.position, s.outcome
    FROM pipelines p JOIN stages s ON (s.tenant_id, s.pipeline) = (p.tenant_id, p.code) WHERE p.tenant_id = $1"""
_ORDER = " ORDER BY p.created_at, p.code, s.position"


async def of_tenant(tx: Connection, tenant: UUID) -> dict[str, PipelineSchema]:
    """All pipelines by code, oldest first."""
    return _grouped(await tx.fetch(_SELECT + _ORDER, tenant))


async def some(tx: Connection, tenant: UUID, codes: Iterable[str]) -> dict[str, PipelineSchema]:
    """Those of the pipelines that exist, by code."""
    return _grouped(await tx.fetch(f"{_SELECT} AND p.code = ANY ($2){_ORDER}", tenant, list(codes)))


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[PipelineSchema]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT code FROM pipelines WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3", tenant, after, limit
    )
    found = await some(tx, tenant, [row["code"] for row in rows])
    return [found[row["code"]] for row in rows]


def _grouped(rows: Iterable[asyncpg.Record]) -> dict[str, PipelineSchema]:
    heads: dict[str, asyncpg.Record] = {}
    stages: dict[str, list[StageContext]] = {}
    for row in rows:
        stage = StageContext(
            code=row["stage"], name=row["stage_name"], position=row["position"], outcome=row["outcome"]
        )
        heads.setdefault(row["code"], row)
        stages.setdefault(row["code"], []).append(stage)
    return {
        code: PipelineSchema(
            code=code, name=row["name"], kind=row["kind"], archived=row["archived"], stages=tuple(stages[code])
        )
        for code, row in heads.items()
    }


async def lock(tx: Connection, tenant: UUID, code: str) -> PipelineSchema | None:
    """The pipeline, which nobody else replaces until the transaction ends."""
    await tx.execute("SELECT FROM pipelines WHERE tenant_id = $1 AND code = $2 FOR UPDATE", tenant, code)
    return (await some(tx, tenant, [code])).get(code)


async def held_stages(tx: Connection, tenant: UUID, code: str) -> dict[str, int]:
    """How many items each stage holds that holds any."""
    rows = await tx.fetch(
        "SELECT stage, count(*) AS held FROM items WHERE tenant_id = $1 AND pipeline = $2 GROUP BY stage", tenant, code
    )
    return {row["stage"]: row["held"] for row in rows}


async def save(tx: Connection, tenant: UUID, pipeline: PipelineSchema) -> None:
    """Creates or replaces a pipeline. Raises `ConflictError` when an item entered a stage that goes."""
    await tx.execute(
        """INSERT INTO pipelines (tenant_id, code, name, kind, archived) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (tenant_id, code) DO UPDATE SET name = $3, archived = $5""",
        tenant,
        pipeline.code,
        pipeline.name,
        pipeline.kind,
        pipeline.archived,
    )
    try:
        await tx.execute(
            "DELETE FROM stages WHERE tenant_id = $1 AND pipeline = $2 AND code <> ALL ($3)",
            tenant,
            pipeline.code,
            [stage.code for stage in pipeline.stages],
        )
    except asyncpg.ForeignKeyViolationError as error:
        raise ConflictError("an item entered one of the stages to be dropped just now") from error
    await tx.executemany(
        """INSERT INTO stages (tenant_id, pipeline, code, name, position, outcome) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (tenant_id, pipeline, code) DO UPDATE SET name = $4, position = $5, outcome = $6""",
        [(tenant, pipeline.code, s.code, s.name, s.position, s.outcome) for s in pipeline.stages],
    )
