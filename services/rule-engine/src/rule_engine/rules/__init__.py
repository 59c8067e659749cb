"""Every rule type, by its wire name: the catalogue that `GET /v1/rule-types` serves."""

from collections.abc import Mapping
from typing import Any

from rule_engine.domain.actions import RuleType
from rule_engine.rules.communication import SendEmail, SendSms
from rule_engine.rules.data import Calculate, SetVariable
from rule_engine.rules.documents import CreateDocumentRule
from rule_engine.rules.employees import NotifySupervisor
from rule_engine.rules.items import ChangeStage, UpdateItemRule
from rule_engine.rules.repeat_sales import CopyDeal, CreateRepeatLead
from rule_engine.rules.tasks import CreateTaskRule

_TYPES: tuple[RuleType[Any], ...] = (
    SendEmail(),
    SendSms(),
    NotifySupervisor(),
    CreateTaskRule(),
    CreateRepeatLead(),
    CopyDeal(),
    CreateDocumentRule(),
    UpdateItemRule(),
    ChangeStage(),
    SetVariable(),
    Calculate(),
)
REGISTRY: Mapping[str, RuleType[Any]] = {rule_type.type: rule_type for rule_type in _TYPES}
