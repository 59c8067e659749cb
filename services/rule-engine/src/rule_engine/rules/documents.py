"""Rules that make documents."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.contexts import Part
from contracts.issues import Issue, unknown
from contracts.messages.doc import CreateDocument
from contracts.values import Code, FileRef
from rule_engine.domain.actions import ActionContext, AuthoringContext, Group, Outputs, Params, RuleType, literal

_DATA = (
    "item",
    "contact",
    "contacts",
    "company",
    "products",
    "responsible",
    "stage",
    "pipeline",
    "my_company",
    "tenant",
    "now",
    "today",
)


class CreateDocumentParams(Params):
    template: Code
    wait_for_pdf: bool = True
    """Whether the next rule starts only when the PDF exists."""
    public_link: bool = False
    link_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """How long the public link opens; by default as long as doc-service says."""
    fields: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)
    """Values that replace those of single document fields."""


class CreatedDocument(Outputs):
    """The document; `pdf` is null while it is not waited for, `public_link` unless asked for."""

    document_id: UUID
    number: str
    pdf: FileRef | None = None
    public_link: str | None = None


class CreateDocumentRule(RuleType[CreateDocumentParams]):
    """A numbered document from a template, as PDF."""

    type = "create_document"
    title = "Create a document"
    group: ClassVar[Group] = "documents"
    needs: ClassVar[tuple[Part, ...]] = ("contacts", "company", "products", "responsible", "stage")
    names = "templates"
    params = CreateDocumentParams
    outputs = CreatedDocument

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        code, known = literal(params.get("template")), context.elsewhere.templates
        if code is not None and known is not None and code not in known:
            yield Issue("template", unknown("published template", code, known))

    def act(self, params: CreateDocumentParams, acting: ActionContext) -> CreateDocument:
        context = acting.context
        return CreateDocument(
            item_id=context.item.id,
            template=params.template,
            data={name: acting.values[name] for name in _DATA},
            fields=params.fields,
            wait_for_pdf=params.wait_for_pdf,
            public_link=params.public_link,
            link_days=params.link_days,
            language=context.tenant.language,
            time_zone=context.tenant.time_zone,
            created_by=acting.actor,
        )


RULES: tuple[RuleType[Any], ...] = (CreateDocumentRule(),)
