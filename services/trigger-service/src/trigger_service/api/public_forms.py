"""`/f/{token}`: the public side of forms, open to everybody: everything is counted, bounded and checked."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from contracts.inputs import keepable
from contracts.kit.database import Database
from contracts.kit.http import Problem, bad_input, json_response, not_found
from trigger_service.api import pages
from trigger_service.api.form_guard import FormGuard
from trigger_service.api.places import find_place
from trigger_service.api.problems import as_problem
from trigger_service.domain.answers import read_answers
from trigger_service.domain.errors import ChallengeUnsolvedError, TriggerServiceError
from trigger_service.domain.forms import Form, FormField
from trigger_service.gateways.challenge import Widget
from trigger_service.intake.forms import Forms
from trigger_service.store import forms

MAX_FIELDS = 100


class FormToFill(BaseModel):
    """A form as a site's own script needs it.

    `nonce` goes back with the submission as `_nonce`, not before `min_age_s` seconds have passed. With a `challenge`,
    the widget's answer goes along in the field that it names.
    """

    name: str
    fields: list[FormField]
    nonce: str
    min_age_s: int
    challenge: Widget | None


class Thanks(BaseModel):
    """It has arrived; `message` is for the person who filled in the form."""

    arrival_id: UUID
    message: str


_FIELDS = {"schema": {"type": "object", "description": "answers by field name"}}
_BODY = {"content": {"application/json": _FIELDS, "application/x-www-form-urlencoded": _FIELDS}}


def router(database: Database, intake: Forms, guard: FormGuard) -> APIRouter:
    """Public routes: the token in the path says whose form it is."""
    public = _PublicForms(database, intake, guard)
    routes = APIRouter(tags=["forms"])

    @routes.get("/f/{token}", response_model=FormToFill)
    async def show(token: str, request: Request) -> Response:
        """A page for browsers; with `Accept: application/json` the fields and a nonce."""
        return await public.answer(token, request, public.show)

    @routes.post("/f/{token}", status_code=202, response_model=Thanks, openapi_extra={"requestBody": _BODY})
    async def submit(token: str, request: Request) -> Response:
        """Fields by name, as JSON or as a browser sends them, with the `_nonce` that GET gave.

        A browser gets a page: where something is wrong, the form once more, as it was filled in.
        """
        return await public.answer(token, request, public.submit)

    @routes.options("/f/{token}", include_in_schema=False)
    async def preflight(token: str, request: Request) -> Response:
        return await public.answer(token, request, _no_content)

    return routes


type _Answer = Callable[[Request, UUID, Form], Awaitable[Response]]


class _PublicForms:
    def __init__(self, database: Database, intake: Forms, guard: FormGuard) -> None:
        self._database = database
        self._intake = intake
        self._guard = guard

    async def answer(self, token: str, request: Request, do: _Answer) -> Response:
        """Finds the form, checks the origin of the request, and lets that page's script read the answer."""
        tenant, form = await self._form(token)
        origin = request.headers.get("origin")
        if not _may_come_from(origin, request, form):
            raise Problem(403, "Forbidden", "this form does not take submissions from that site")
        try:
            response = await do(request, tenant, form)
        except Problem as problem:
            response = problem.response()
        if origin is not None:
            response.headers.update(_cors(origin))
        return response

    async def _form(self, token: str) -> tuple[UUID, Form]:
        place = await find_place(self._database, "form", token, "such form")
        async with self._database.transaction(place.tenant) as tx:
            form = await forms.find(tx, place.tenant, place.code)
        if form is None or form.spec.archived:
            raise not_found("such form")
        return place.tenant, form

    async def show(self, request: Request, _: UUID, form: Form) -> Response:
        nonce, challenge = self._guard.new_nonce(form), self._guard.challenge
        if _wants_page(request):
            return pages.form_page(form.spec, nonce, challenge)
        filled_in = FormToFill(
            name=form.spec.name,
            fields=list(form.spec.fields),
            nonce=nonce,
            min_age_s=int(self._guard.nonces.min_age.total_seconds()),
            challenge=challenge.widget if challenge else None,
        )
        return json_response(filled_in)

    async def submit(self, request: Request, tenant: UUID, form: Form) -> Response:
        too_many = await self._guard.count(request, tenant, form)
        body = _body(request, await request.body())
        try:
            if too_many is not None:
                raise too_many
            arrival = await self._take(request, tenant, form, body)
        except TriggerServiceError as error:
            problem = as_problem(error)
            if not _wants_page(request):
                raise problem from error
            answers, nonce = self._guard.answers_of(form, body), self._guard.next_nonce(form, body)
            return pages.form_page(form.spec, nonce, self._guard.challenge, answers, problem)
        if _wants_page(request):
            return pages.message_page(form.spec.name, form.spec.success_message, 202)
        return json_response(Thanks(arrival_id=arrival, message=form.spec.success_message), 202)

    async def _take(self, request: Request, tenant: UUID, form: Form, body: dict[str, Any]) -> UUID:
        nonce = self._guard.nonce_of(form, body)
        if body.get(form.spec.honeypot):
            async with self._database.transaction(tenant) as tx:
                return await self._intake.refuse(tx, tenant, form)
        answers = read_answers(form, self._guard.answers_of(form, body))
        try:
            await self._guard.verify(request, body)
        except ChallengeUnsolvedError:  # providers verify a solution once, browsers send it twice
            async with self._database.transaction(tenant) as tx:
                if first := await self._intake.find_repeated(tx, tenant, form, answers, nonce):
                    return first
            raise
        async with self._database.transaction(tenant) as tx:
            return await self._intake.take(tx, tenant, form, answers, nonce)


async def _no_content(_: Request, __: UUID, ___: Form) -> Response:
    return Response(status_code=204)


def _may_come_from(origin: str | None, request: Request, form: Form) -> bool:
    """Pages of the allowed sites, our own page, and what is no browser."""
    allowed = form.spec.allowed_origins
    return origin is None or _is_own(origin, request) or origin in allowed or "*" in allowed


def _is_own(origin: str, request: Request) -> bool:
    try:
        return urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:  # such as an address that ends in its middle
        return False


def _cors(origin: str) -> dict[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "content-type",
        "Access-Control-Expose-Headers": "retry-after",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _body(request: Request, raw: bytes) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            body = orjson.loads(raw)
        elif kind == "application/x-www-form-urlencoded":
            body = _each_once(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
        else:
            raise Problem(415, "Unsupported media type", "send application/json or application/x-www-form-urlencoded")
    except ValueError as error:
        raise bad_input("the body cannot be read", ("body", f"expected {kind}")) from error
    if not isinstance(body, dict) or len(body) > MAX_FIELDS:
        raise bad_input("the body cannot be used", ("body", f"send at most {MAX_FIELDS} fields by name"))
    try:
        kept: dict[str, Any] = keepable(body)
    except ValueError as error:
        raise bad_input("the body cannot be used", ("body", str(error))) from error
    return kept


def _each_once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Fields by name. One that comes twice is refused: to keep one of its answers would lose the other."""
    times = Counter(name for name, _ in pairs)
    twice = [(name[:40], "is there more than once: a field takes one answer") for name in times if times[name] > 1]
    if twice:
        raise bad_input("the form is not filled in correctly", *twice)
    return dict(pairs)
