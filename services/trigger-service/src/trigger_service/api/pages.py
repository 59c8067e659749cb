"""The pages of a form, for browsers; they have no script unless there is a challenge."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import Response

from contracts.kit.http import Problem
from trigger_service.domain.answers import NONCE, TRUE
from trigger_service.domain.forms import FormField, FormSpec
from trigger_service.gateways.challenge import Challenge

_POLICY = "default-src 'none'; style-src 'unsafe-inline'{0}; form-action 'self'; base-uri 'none'"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with `no-referrer` browsers send the form with `Origin: null`
    "X-Content-Type-Options": "nosniff",
}
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem}
label{display:block;margin:1rem 0}input,select{display:block;width:100%;padding:.5rem;font:inherit}
*{box-sizing:border-box}
input[type=checkbox]{display:inline;width:auto}button{padding:.6rem 1.5rem;font:inherit}
.error{color:#a00}.extra{position:absolute;left:-9999px}"""
_INPUTS = {"text": "text", "email": "email", "phone": "tel", "number": "number"}


def form_page(
    form: FormSpec,
    nonce: str,
    challenge: Challenge | None,
    filled: Mapping[str, Any] | None = None,
    problem: Problem | None = None,
) -> Response:
    """The form to fill in; with `problem`, after a try that failed, as it was `filled` in."""
    hidden = f'<input type="hidden" name="{NONCE}" value="{escape(nonce)}">'
    unseen = f'<input name="{form.honeypot}" tabindex="-1" autocomplete="off">'
    trap = f'<label class="extra" aria-hidden="true">Leave empty{unseen}</label>'
    fields = "".join(_field(field, (filled or {}).get(field.name)) for field in form.fields)
    inside = f"{hidden}{trap}{fields}{_widget(challenge)}<button>Send</button>"
    errors = "".join(_errors(form, problem)) if problem else ""
    body = f'{errors}<form method="post">{inside}</form>'
    page = _page(form.name, body, problem.status if problem else 200, challenge)
    page.headers.update((problem and problem.headers) or {})
    return page


def _errors(form: FormSpec, problem: Problem) -> Iterator[str]:
    yield f'<p role="alert">{escape(problem.detail[:1].upper() + problem.detail[1:])}.</p>'
    labels = {field.name: field.label for field in form.fields}
    for error in problem.errors:
        if error["where"] != NONCE:
            what = f"{labels.get(error['where'], error['where'])}: {error['what']}"
            yield f'<p class="error">{escape(what)}</p>'


def _widget(challenge: Challenge | None) -> str:
    if challenge is None:
        return ""
    widget = challenge.widget
    script = f'<script src="{escape(widget.script_url)}" async defer></script>'
    return f'<div class="{challenge.html_class}" data-sitekey="{escape(widget.site_key)}"></div>{script}'


def message_page(title: str, message: str, status: int) -> Response:
    return _page(title, f"<p>{escape(message)}</p>", status)


def _page(title: str, body: str, status: int, challenge: Challenge | None = None) -> Response:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    html = f"<!doctype html><html><head>{head}<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body>"
    headers = HEADERS | {"Content-Security-Policy": _policy(challenge)}
    return Response(f"{html}</html>", status, headers, media_type="text/html")


def _policy(challenge: Challenge | None) -> str:
    """Trusts nobody but the challenge's provider, whose script opens a frame and asks its own servers."""
    if challenge is None:
        return _POLICY.format("")
    trusted = "; ".join(f"{kind}-src {challenge.sources}" for kind in ("script", "frame", "connect"))
    return _POLICY.format(f" {challenge.sources}; {trusted}")


def _field(field: FormField, value: Any) -> str:
    required = " required" if field.required and field.type != "boolean" else ""
    typed = "" if value is None else str(value)
    match field.type:
        case "choice":
            control = f'<select name="{field.name}"{required}>{"".join(_options(field, typed))}</select>'
        case "boolean":
            checked = " checked" if value is True or typed in TRUE else ""
            control = f'<input name="{field.name}" type="checkbox"{checked}>'
        case _:
            step = ' step="any"' if field.type == "number" else ""
            text = f' value="{escape(typed)}"' if typed else ""
            control = f'<input name="{field.name}" type="{_INPUTS[field.type]}"{step}{text}{required}>'
    return f"<label>{escape(field.label)} {control}</label>"


def _options(field: FormField, chosen: str) -> Iterator[str]:
    yield '<option value=""></option>'
    for choice in field.choices:
        selected = " selected" if choice == chosen else ""
        yield f'<option value="{escape(choice)}"{selected}>{escape(choice)}</option>'
