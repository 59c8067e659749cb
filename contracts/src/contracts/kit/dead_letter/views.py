"""Dead letters and orders about them, as they are on the wire."""

import base64
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, model_validator

from contracts.inputs import Input, Moment, keepable
from contracts.kit.dead_letter.letter import Action, DeadLetter, Filter, Order, Scope, Selection, State

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
    order_id: UUID | None
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


class OrderView(BaseModel):
    """What was ordered about dead letters, by whom and why; `states` says what became of them so far."""

    id: UUID
    action: Action
    ordered_by: str
    ordered_at: AwareDatetime
    reason: str
    selection: dict[str, Any]
    per_second: float | None
    letters: int
    finished_at: AwareDatetime | None

    @classmethod
    def of(cls, order: Order) -> Self:
        return cls.model_validate({name: getattr(order, name) for name in cls.model_fields})


class OrderProgress(OrderView):
    states: dict[State, int]


class FilterInput(Input):
    """Open dead letters; what is not given does not matter. `{}` is all of them."""

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

    def selection(self, scope: Scope) -> Selection:
        filter = Filter(**self.filter.model_dump()) if self.filter else Filter()
        return Selection(scope=scope, filter=filter, ids=None if self.ids is None else sorted(set(self.ids)))


class Replay(Choice):
    """Replays to the group that put them aside, and to no other, at the most so many a second."""

    reason: Annotated[Text, Field(max_length=500)] = ""
    per_second: Annotated[float, Field(ge=0.01, le=1000)] = 10


class Discard(Choice):
    """Says that they shall have no effect."""

    reason: Annotated[Text, Field(min_length=1, max_length=500)]


class Release(Input):
    reason: Annotated[Text, Field(min_length=1, max_length=500)]


class ParkedView(BaseModel):
    """An outbox row that the broker refused for ever; `behind` rows with the same key wait for it."""

    id: int
    topic: str
    key: str
    size: int
    reason: str
    created_at: AwareDatetime
    behind: int
