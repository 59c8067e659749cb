"""`stack apply`: YAML documents `kind / code / spec`, one to one with the services' PUTs, sent in dependency order.

Everything is read and checked before anything is sent. An issue names file, document, place and reason. Applying the
same documents again changes nothing, because the PUTs replace what is there by what is the same.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID

import httpx
import yaml

from contracts.kit.authorities import trusted_authorities
from local_stack.addresses import Addresses
from local_stack.credentials import Credentials
from local_stack.errors import StackError

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_KEYS = {"kind", "code", "spec"}
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Kind:
    """Where documents of a kind are put. A path without `{code}` is for what a tenant has one of."""

    service: str
    path: str

    @property
    def has_code(self) -> bool:
        return "{code}" in self.path


KINDS: Mapping[str, Kind] = {
    "tenant": Kind("entity-service", "/v1/tenant"),
    "my-company": Kind("entity-service", "/v1/my-companies/{code}"),
    "calendar": Kind("entity-service", "/v1/calendar"),
    "department": Kind("entity-service", "/v1/departments/{code}"),
    "employee": Kind("entity-service", "/v1/employees/{code}"),
    "schedule": Kind("entity-service", "/v1/employees/{code}/schedule"),  # its code is the employee's
    "room": Kind("entity-service", "/v1/rooms/{code}"),
    "resource": Kind("entity-service", "/v1/resources/{code}"),
    "item-type": Kind("entity-service", "/v1/item-types/{code}"),
    "pipeline": Kind("entity-service", "/v1/pipelines/{code}"),
    "field": Kind("entity-service", "/v1/fields/{code}"),  # its code is `<kind of item>/<code>`
    "payment-account": Kind("entity-service", "/v1/payment-accounts/{code}"),
    "carrier": Kind("entity-service", "/v1/carriers/{code}"),
    "list": Kind("entity-service", "/v1/lists/{code}"),
    "sender-domain": Kind("comms-service", "/v1/sender-domains/{code}"),
    "channel": Kind("comms-service", "/v1/channels/{code}"),
    "template": Kind("doc-service", "/v1/templates/{code}"),
    "form": Kind("trigger-service", "/v1/forms/{code}"),
    "trigger": Kind("trigger-service", "/v1/triggers/{code}"),
    "constant": Kind("rule-engine", "/v1/constants/{code}"),
    "variable": Kind("rule-engine", "/v1/variables/{code}"),
    "workflow": Kind("rule-engine", "/v1/workflows/{code}"),
    "rule-set": Kind("rule-engine", "/v1/rule-sets/{code}"),
}
"""In the order in which they are put: each may name what stands above it, and a department its parent."""


@dataclass(frozen=True)
class Document:
    """One document of a file; `name` is how issues call it."""

    file: Path
    kind: str
    code: str
    spec: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.code}" if self.code else self.kind

    @property
    def path(self) -> str:
        return KINDS[self.kind].path.format(code=quote(self.code))


class ApplyError(StackError):
    """Everything that is wrong with the documents, a line `file:document: where: what` each."""

    def __init__(self, issues: Sequence[str]) -> None:
        super().__init__("\n".join(issues))
        self.issues = list(issues)


type Answers = dict[str, dict[str, Any]]
"""What the services answered, by the document's name (`form/site`)."""


def read(place: Path, environment: Mapping[str, str] = os.environ) -> list[Document]:
    """All documents of a file or of a folder's `*.yaml`, in dependency order, with `${NAME}` replaced.

    Raises `ApplyError` with every issue that can be seen without asking the services.
    """
    files = sorted(place.glob("*.yaml")) if place.is_dir() else [place]
    if not files or not all(file.is_file() for file in files):
        raise ApplyError([f"{place}: expected a YAML file, or a folder with files *.yaml"])
    issues: list[str] = []
    documents = [document for file in files for document in _documents(file, environment, issues)]
    issues += _repeated(documents)
    if issues:
        raise ApplyError(issues)
    return _sorted(documents)


class Puts(Protocol):
    """Puts documents to their services."""

    def put(self, document: Document) -> httpx.Response: ...


type Done = Callable[[Document, dict[str, Any]], None]
"""Called for every document that a service accepted, with the service's answer."""


def apply(documents: Sequence[Document], client: Puts, done: Done) -> Answers:
    """Puts the documents kind by kind. After a kind with issues nothing further is sent, since it may depend on it."""
    answers: Answers = {}
    for _, group in groupby(documents, key=lambda document: document.kind):
        issues: list[str] = []
        for document in group:
            response = client.put(document)
            if response.is_success:
                answers[document.name] = response.json()
                done(document, answers[document.name])
            else:
                issues += [f"{document.file}:{document.name}: {issue}" for issue in problems(response)]
        if issues:
            raise ApplyError([*issues, f"{len(answers)} of {len(documents)} documents applied"])
    return answers


class Services:
    """The services' HTTP APIs, as somebody of a tenant sees them; and those of the platform, which the stack is."""

    def __init__(
        self, addresses: Addresses, credentials: Credentials, tenant: UUID, role: str = "admin", sub: str = "stack"
    ) -> None:
        self._addresses = addresses
        self._credentials = credentials
        self._tenant = tenant
        self._http = httpx.Client(headers=_bearer(credentials.token([role], tenant, sub)), verify=trusted_authorities())

    def close(self) -> None:
        self._http.close()

    def put(self, document: Document) -> httpx.Response:
        """A domain to send from is vouched for, too: mails of this stack stay on this machine.

        Raises StackError when the service does not answer.
        """
        if document.kind == "sender-domain":
            path = f"/internal/sender-domains/{self._tenant}/{quote(document.code)}"
            platform = _bearer(self._credentials.platform_token("stack"))
            vouched = self._ask("PUT", KINDS[document.kind].service, path, headers=platform)
            if not vouched.is_success:
                return vouched
        return self._ask("PUT", KINDS[document.kind].service, document.path, document.spec)

    def get(self, document: Document) -> httpx.Response:
        """Raises StackError when the service does not answer."""
        return self._ask("GET", KINDS[document.kind].service, document.path)

    def read(self, service: str, path: str) -> httpx.Response:
        """Raises StackError when the service does not answer."""
        return self._ask("GET", service, path)

    def post(self, service: str, path: str, body: Any, timeout: float) -> httpx.Response:
        """Raises StackError when the service does not answer in time, in seconds."""
        return self._ask("POST", service, path, body, timeout=timeout)

    def _ask(  # noqa: PLR0913 - a request's parts
        self,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT_S,
    ) -> httpx.Response:
        url = self._addresses.url_of(service, path)
        try:
            return self._http.request(method, url, json=body, headers=headers, timeout=timeout)
        except httpx.TransportError as error:
            raise StackError(f"{service} does not answer ({error}); is the stack up? `./stack status` says") from error


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def parsed(file: Path) -> list[Any]:
    """What a YAML file holds. Raises `ApplyError`."""
    try:
        return list(yaml.load_all(file.read_text(), _Loader))  # noqa: S506 - a SafeLoader with less
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ApplyError([f"{file}: is no YAML: {' '.join(str(error).split())}"]) from error


def _documents(file: Path, environment: Mapping[str, str], issues: list[str]) -> Iterator[Document]:
    try:
        contents = parsed(file)
    except ApplyError as error:
        issues += error.issues
        return
    for number, content in enumerate(contents, start=1):
        found = _shape_issues(content)
        name = _name(content, number)
        if not found:
            content["spec"] = _filled(content["spec"], environment, "spec", found)
        issues += [f"{file}:{name}: {issue}" for issue in found]
        if not found:
            yield Document(file, content["kind"], content.get("code", ""), content["spec"])


def _name(content: Any, number: int) -> str:
    kind, code = (content.get("kind"), content.get("code")) if isinstance(content, dict) else (None, None)
    return f"{kind}/{code}" if kind and code else str(kind or f"document {number}")


def _shape_issues(content: Any) -> list[str]:
    if not isinstance(content, dict):
        return ["expected a mapping with kind, code and spec"]
    kind = KINDS.get(str(content.get("kind")))
    if kind is None:
        return [f"kind: {content.get('kind')!r} is none of {', '.join(KINDS)}"]
    issues = [f"{key}: unknown key; a document has kind, code and spec" for key in content.keys() - _KEYS]
    if not isinstance(content.get("spec"), dict):
        issues.append("spec: expected a mapping")
    code = content.get("code")
    if kind.has_code and not (isinstance(code, str) and code):
        issues.append("code: expected a text")
    if not kind.has_code and code is not None:
        issues.append("code: a tenant has only one of this kind; leave the code out")
    return issues


def _filled(value: Any, environment: Mapping[str, str], where: str, issues: list[str]) -> Any:
    """The value with `${NAME}` in its texts replaced; what replaces it is never read as YAML."""
    match value:
        case str():
            names = set(_VARIABLE.findall(value))
            missing = sorted(name for name in names if name not in environment)
            issues += [f"{where}: the environment variable {name} is not set" for name in missing]
            return _VARIABLE.sub(lambda found: environment.get(found[1], ""), value)
        case dict():
            return {key: _filled(inner, environment, f"{where}.{key}", issues) for key, inner in value.items()}
        case list():
            return [_filled(inner, environment, f"{where}[{place}]", issues) for place, inner in enumerate(value)]
        case _:
            return value


def _repeated(documents: Sequence[Document]) -> list[str]:
    first: dict[str, Document] = {}
    return [
        f"{document.file}:{document.name}: is in {first[document.name].file} already"
        for document in documents
        if first.setdefault(document.name, document) is not document
    ]


def _sorted(documents: Sequence[Document]) -> list[Document]:
    ranks = list(KINDS)
    parents = {document.code: document.spec.get("parent") for document in documents if document.kind == "department"}
    return sorted(documents, key=lambda each: (ranks.index(each.kind), _depth(parents, each)))


def _depth(parents: Mapping[str, Any], document: Document) -> int:
    """How many of the departments above it are among the documents; a circle, which the service refuses, ends."""
    above: list[Any] = []
    code: Any = document.code if document.kind == "department" else None
    while code in parents and code not in above:
        above.append(code)
        code = parents[code]
    return len(above)


def problems(response: httpx.Response) -> Iterator[str]:
    """The answer's problem document (RFC 9457), a line for each of its errors."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    errors = problem.get("errors") or []
    yield from lines_of(errors)
    if not errors:
        yield f"{response.status_code} {problem.get('detail') or response.reason_phrase}"


def lines_of(issues: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """`stages.new.rules[0].type (rule greet): there is …`, of what a service says is wrong, one by one."""
    for one in issues:
        rule = f" (rule {one['rule']})" if one.get("rule") else ""
        yield f"{one.get('where')}{rule}: {one.get('what')}"


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: no dates, no `on` and `off`, no 14:00 that is 840, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        repeated = next((key for key in keys if keys.count(key) > 1), None)
        if repeated is not None:
            raise yaml.MarkedYAMLError(problem=f"the key {repeated!r} is there twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


_PLAIN = {
    "null": r"(null|~|)",
    "bool": r"(true|false)",
    "int": r"-?(0|[1-9][0-9]*)",
    "float": r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?",
}
_Loader.yaml_implicit_resolvers = {}
for _kind, _form in _PLAIN.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^{_form}$"), None)
