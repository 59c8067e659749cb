"""Dead letters and operators' actions, as they are on the wire."""

import base64
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from contracts.inputs import Input, Moment, keepable
from contracts.kit.dead_letter.action import ActionKind, OperatorAction
from contracts.kit.dead_letter.letter import DeadLetter, Filter, Selection, State

MAX_IDS = 1000

Text = Annotated[str, StringConstraints(max_length=2000), AfterValidator(keepable)]


class Bytes(BaseModel):
    """Bytes as `text` where they are UTF-8, else as `base64`; both are null when there were none."""

    text: str | None = None
    base64: str | None = None

    @classmethod
    def of(cls, raw: bytes | None) -> Self:
        if raw is None:
            return cls()
        try:
            return cls(text=raw.decode())
        except UnicodeDecodeError:
            return cls(base64=base64.b64encode(raw).decode())


class Header(BaseModel):
    name: Bytes
    value: Bytes


class DeadLetterView(BaseModel):
    """A dead letter without its bytes. `tenant`, `source`, `message_id`, `type`: what could be read of its headers.

    `complete` says that it is kept as a record, so that it can be replayed. `replays` is how often it was replayed in
    vain; `replay_of` the dead letter that it was then.
    """

    id: UUID
    tenant: UUID | None
    topic: str
    partition: int
    offset: int
    source: str | None
    message_id: str | None
    type: str | None
    size: int
    complete: bool
    reason: str
    detail: str
    replays: int
    replay_of: UUID | None
    put_aside_at: AwareDatetime
    state: State
    action_id: UUID | None
    settled_at: AwareDatetime | None
    erased_at: AwareDatetime | None

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        return cls.model_validate({name: getattr(letter, name) for name in cls.model_fields})


class DeadLetterContent(DeadLetterView):
    """A dead letter with its bytes, which are personal data of its tenant."""

    key: Bytes
    value: Bytes
    headers: list[Header]

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        about = DeadLetterView.of(letter).model_dump()
        headers = [Header(name=Bytes.of(name), value=Bytes.of(raw)) for name, raw in letter.headers]
        return cls(**about, key=Bytes.of(letter.key), value=Bytes.of(letter.value), headers=headers)


class OperatorActionView(BaseModel):
    """What an operator did, when and why; `letters` is how many dead letters it was about."""

    id: UUID
    kind: ActionKind
    operator: str
    started_at: AwareDatetime
    reason: str
    selection: dict[str, Any]
    per_second: float | None
    letters: int
    finished_at: AwareDatetime | None

    @classmethod
    def of(cls, action: OperatorAction) -> Self:
        return cls.model_validate({name: getattr(action, name) for name in cls.model_fields})


class OperatorActionProgress(OperatorActionView):
    """With how many of its dead letters are in which state."""

    states: dict[State, int]


class FilterInput(Input):
    """Open dead letters; what is not given does not matter. `{}` is all of them."""

    tenant: Annotated[UUID | Literal["none"] | None, Field(description="one tenant's, or those of `none`")] = None
    topic: Text | None = None
    type: Text | None = None
    reason: Annotated[Text | None, Field(description="why it was put aside, such as `failed`")] = None
    since: Moment | None = None
    until: Moment | None = None


class Choice(Input):
    """Either `ids` or a `filter`."""

    ids: Annotated[list[UUID] | None, Field(min_length=1, max_length=MAX_IDS)] = None
    filter: FilterInput | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("give either ids or a filter; the filter {} is all open dead letters")
        return self

    def selection(self) -> Selection:
        filter = Filter(**self.filter.model_dump()) if self.filter else Filter()
        return Selection(filter=filter, ids=None if self.ids is None else sorted(set(self.ids)))

    def asked(self) -> dict[str, Any]:
        """As JSON, for the audit."""
        return self.model_dump(mode="json", include={"ids", "filter"}, exclude_none=True)


class Replay(Choice):
    """Replays to the group that put them aside, and to no other, at the most so many a second."""

    reason: Annotated[Text, Field(max_length=500)] = ""
    per_second: Annotated[float, Field(ge=0.01, le=1000)] = 10


class Discard(Choice):
    """Settles them without an effect."""

    reason: Annotated[Text, Field(min_length=1, max_length=500)]


class Release(Input):
    reason: Annotated[Text, Field(min_length=1, max_length=500)]


class ParkedRowView(BaseModel):
    """An outbox row that the broker refused for ever; `behind` rows with the same key wait for it."""

    id: int
    topic: str
    key: str
    size: int
    reason: str
    created_at: AwareDatetime
    behind: int
