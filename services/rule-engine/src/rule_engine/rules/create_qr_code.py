"""A rule that makes QR codes."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.messages.doc import CreateQrCode
from contracts.values import FileRef, Link
from rule_engine.domain.actions import LONGER_IS_CUT, ActionContext, Group, Outputs, Params, RuleType, Title


class CreateQrCodeParams(Params):
    title: Title
    """What the page says that the code leads to."""
    description: Annotated[str, Field(max_length=10_000, json_schema_extra=LONGER_IS_CUT)] = ""
    address: Link | None = None
    """Where the page leads on to; without one the page is all that is shown."""


class CreatedQrCode(Outputs):
    """The code: its PNG as a file, such as for an e-mail, and at a public link; and the link that it leads to."""

    qr_code_id: UUID
    image: FileRef
    image_link: str
    scan_link: str


class CreateQrCodeRule(RuleType[CreateQrCodeParams]):
    """A QR code that leads to a public page with its title and description; who scans it is told as an event."""

    type = "create_qr_code"
    title = "Make a QR code"
    group: ClassVar[Group] = "data"
    helper: ClassVar[bool] = True
    params = CreateQrCodeParams
    outputs = CreatedQrCode

    def act(self, params: CreateQrCodeParams, acting: ActionContext) -> CreateQrCode:
        return CreateQrCode(
            item_id=acting.context.item.id,
            title=params.title,
            description=params.description,
            address=params.address,
            language=acting.context.tenant.language,
            created_by=acting.actor,
        )


RULES: tuple[RuleType[Any], ...] = (CreateQrCodeRule(),)
