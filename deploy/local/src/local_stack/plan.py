"""`stack plan`: what `stack apply` would change, without changing anything.

Each document is compared with what its service answers to GET. What a document leaves out has the default that the
service's OpenAPI document names, since a PUT replaces the whole. What a service never returns (secrets) cannot be
compared, and the plan says so.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

import httpx

from local_stack.apply import KINDS, ApplyError, Document, problems
from local_stack.layout import WORKSPACE

type Json = Mapping[str, Any]

GIVEN = {"id", "number_pattern"}
"""What the service makes up when a document leaves it out, whatever that is."""
_ABSENT = object()
_EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Planned:
    """What applying a document would do; `fields` are those that would change, `unseen` those it cannot know of."""

    document: Document
    change: Literal["create", "change", "same"]
    fields: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def words(self) -> str:
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        unseen = f" ({', '.join(self.unseen)} cannot be compared)" if self.unseen else ""
        return f"{self.change} {self.document.name}{fields}{unseen}"


class Gets(Protocol):
    """Gets documents as their services have them."""

    def get(self, document: Document) -> httpx.Response: ...


def plan(documents: Sequence[Document], client: Gets) -> list[Planned]:
    """What `apply` would do with each document. Raises `ApplyError` when a service does not answer."""
    return [_planned(document, client) for document in documents]


def _planned(document: Document, client: Gets) -> Planned:
    answer = client.get(document)
    if answer.status_code == 404:
        return Planned(document, "create")
    if not answer.is_success:
        raise ApplyError([f"{document.file}:{document.name}: {issue}" for issue in problems(answer)])
    api = _openapi(KINDS[document.kind].service)
    present = _AS_PUT.get(document.kind, _as_it_is)(answer.json())
    if "publish" in present and not document.spec.get("publish"):
        present = {**present, "publish": False}  # what is published stays published
    found = list(_Comparison(api).of(document.spec, present, _body(api, document), ""))
    fields = tuple(path for path, seen in found if seen)
    unseen = tuple(path for path, seen in found if not seen)
    return Planned(document, "change" if fields else "same", fields, unseen)


@cache
def _openapi(service: str) -> Json:
    document: Json = json.loads((WORKSPACE / f"docs/openapi/{service}.json").read_text())
    return document


def _as_it_is(answer: Json) -> Json:
    return answer


def _versioned(answer: Json) -> Json:
    return {**answer["document"], "archived": answer["archived"], "publish": answer["status"] == "published"}


def _template(answer: Json) -> Json:
    return {**answer, "publish": answer["published_version"] == answer["version"]}


_AS_PUT: Mapping[str, Callable[[Json], Json]] = {
    "rule-set": _versioned,
    "workflow": _versioned,
    "template": _template,
}
"""What a PUT would have to say to get what there is, where GET answers in another shape."""


def _body(api: Json, document: Document) -> Json:
    """The schema of what is PUT for documents of this kind."""
    prefix = KINDS[document.kind].path.partition("{")[0]
    paths = (path for path, operations in api["paths"].items() if "put" in operations and path.startswith(prefix))
    put = api["paths"][min(paths, key=len)]["put"]
    schema: Json = put["requestBody"]["content"]["application/json"]["schema"]
    return schema


class _Comparison:
    """Of what is wanted with what there is, by the schema of what is PUT."""

    def __init__(self, api: Json) -> None:
        self._schemas = api["components"]["schemas"]

    def of(self, wanted: Any, present: Any, schema: Json, path: str) -> Iterator[tuple[str, bool]]:
        """The paths that differ, each with whether it could be compared."""
        schema = self._variant(schema, wanted)
        if present is _ABSENT:
            yield path, False
        elif isinstance(wanted, dict) and isinstance(present, dict):
            yield from self._of_mappings(wanted, present, schema, path)
        elif isinstance(wanted, list) and isinstance(present, list) and len(wanted) == len(present):
            for index, (one, other) in enumerate(zip(wanted, present, strict=True)):
                yield from self.of(one, other, schema.get("items", {}), f"{path}[{index}]")
        elif not _same(wanted, present):
            yield path, True

    def _of_mappings(self, wanted: Json, present: Json, schema: Json, path: str) -> Iterator[tuple[str, bool]]:
        known = schema.get("properties")
        inner = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
        of_any = next((one for one in inner if isinstance(one, dict)), {})
        for key in known if known is not None else dict.fromkeys((*wanted, *present)):
            below, part = f"{path}.{key}".removeprefix("."), (known or {}).get(key, of_any)
            if key in wanted:
                there = present.get(key, _ABSENT if known is not None else None)
                yield from self.of(wanted[key], there, part, below)
            elif key in present.keys() - GIVEN and not _is_default(
                part, present[key], key in schema.get("required", ())
            ):
                yield below, True

    def _variant(self, schema: Json, value: Any) -> Json:
        """The schema with references followed; of several, the one that a value like this is of."""
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        several = schema.get("anyOf") or schema.get("oneOf")
        if several is None:
            return schema
        fitting = (found for one in several if _fits(found := self._variant(one, value), value))
        return next(fitting, {})


def _fits(schema: Json, value: Any) -> bool:
    types = {"object": dict, "array": list, "string": str, "boolean": bool}
    if not isinstance(value, types.get(schema.get("type", ""), object)):
        return False
    if not isinstance(value, dict) or "properties" not in schema:
        return True
    known = schema["properties"]
    named = value.keys() <= known.keys() and set(schema.get("required", ())) <= value.keys()
    return named and all(known[key].get("const", value[key]) == value[key] for key in value)


def _is_default(schema: Json, present: Any, required: bool) -> bool:
    """Whether what there is is what leaving it out means; a default that is not named is an empty one."""
    if "default" in schema and not required:
        return _same(schema["default"], present)
    return present in _EMPTY or schema.get("default", _ABSENT) == present


def _same(wanted: Any, present: Any) -> bool:
    """Python takes 1 and true for equal."""
    return isinstance(wanted, bool) is isinstance(present, bool) and bool(wanted == present)
