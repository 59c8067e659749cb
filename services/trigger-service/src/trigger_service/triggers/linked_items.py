"""Triggers of what becomes of other items that are linked with one."""

from collections.abc import Mapping
from typing import Any

from contracts.contexts import TenantSchema
from contracts.issues import unknown
from contracts.messages.entity_events import StageChanged
from contracts.values import Code, ItemKind
from trigger_service.triggers.base import EventTriggerType, Issues, Occurrence, TriggerSettings


class LinkedStageSettings(TriggerSettings):
    """Which items, and which stages of theirs, are meant."""

    type: ItemKind | None = None
    """Type of the other item, such as `invoice`; without it any type will do."""
    pipeline: Code | None = None
    """Code of the pipeline that the stage is in; without it any pipeline will do."""
    stage: Code | None = None
    """Code of the stage that the other item has to reach; without it any stage will do."""


class LinkedItemStage(EventTriggerType[LinkedStageSettings, StageChanged]):
    """Facts: those of `StageChanged`, of the other item."""

    name = "linked_item_stage"
    title = "Linked item reaches a stage"
    group = "Items"
    description = "an item that is linked with this one, in whatever way, enters a stage; the 100 oldest links count"
    context_name = "linked"
    settings = LinkedStageSettings
    body = StageChanged

    def occurrence(self, data: StageChanged) -> Occurrence | None:
        if not data.automation:
            return None
        return Occurrence(type=self.name, linked_with=data.item.id, facts=data.model_dump(mode="json"))

    def mismatch(self, settings: LinkedStageSettings, facts: Mapping[str, Any]) -> str | None:
        asked = {"type": settings.type, "pipeline": settings.pipeline, "stage": settings.stage}
        found = {"type": facts["item"]["kind"], "pipeline": facts["to_pipeline"], "stage": facts["to_stage"]}
        for name, value in asked.items():
            if value not in (None, found[name]):
                return f"the other item's {name} is {found[name]!r}, the trigger waits for {value!r}"
        return None

    def issues(self, settings: LinkedStageSettings, pipeline: str, schema: TenantSchema) -> Issues:
        if settings.type is not None and schema.item_type(settings.type) is None:
            yield "type", schema.unknown_type(settings.type)
        mine = [one for one in schema.pipelines if settings.pipeline in (None, one.code) and not one.archived]
        if settings.pipeline is not None and not mine:
            yield "pipeline", unknown("pipeline", settings.pipeline, [one.code for one in schema.pipelines])
            return
        of_type = [one for one in mine if settings.type in (None, one.kind)]
        stages = {stage.code for one in of_type for stage in one.stages}
        if settings.stage is not None and settings.stage not in stages:
            yield "stage", unknown("stage", settings.stage, stages)
