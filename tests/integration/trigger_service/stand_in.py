"""What entity-service knows of a shop: one pipeline, and deals whose clients are known by their phone numbers."""

from typing import Any
from uuid import UUID

from contracts.contexts import (
    ContactContext,
    FieldSchema,
    ItemContext,
    MyCompany,
    PipelineContext,
    PipelineSchema,
    StageContext,
    TenantSchema,
    TenantSettings,
)
from contracts.kit.clock import new_id, utc_now
from contracts.values import ItemSnapshot
from support.entity import EntityStandIn

STAGES = tuple(StageContext(code=code, name=code, position=n) for n, code in enumerate(("new", "prepayment", "won")))
SCHEMA = TenantSchema(
    tenant_id=UUID(int=0),
    tenant=TenantSettings(name="Shop"),
    pipelines=(PipelineSchema(code="sales", name="Sales", kind="deal", stages=STAGES),),
    fields=(FieldSchema(code="note", name="Note", kind="deal", type="text"),),
)


class ShopStandIn(EntityStandIn):
    """Entity-service with deals."""

    def __init__(self) -> None:
        super().__init__(SCHEMA)

    def add_deal(self, tenant: UUID, *, phone: str | None = None, **item: Any) -> UUID:
        """A deal in the stage `new`, of a client if there is a phone number."""
        context = _deal(tenant, phone, item)
        self.put(context)
        return context.item.id


def _deal(tenant: UUID, phone: str | None, item: dict[str, Any]) -> ItemContext:
    now = utc_now()
    fields = {"kind": "deal", "title": "A deal", "pipeline": "sales", "stage": "new", "version": 1, "entry_seq": 1}
    snapshot = ItemSnapshot.model_validate({"id": new_id(), "created_at": now, "updated_at": now, **fields, **item})
    client = phone and ContactContext(id=new_id(), first_name="Client", last_name="One", name="Client One", phone=phone)
    return ItemContext(
        tenant_id=tenant,
        tenant=SCHEMA.tenant,
        item=snapshot,
        contact=client or None,
        contacts=(client,) if client else (),
        stage=STAGES[0],
        pipeline=PipelineContext(code="sales", name="Sales"),
        my_company=MyCompany(),
        read_at=now,
    )
