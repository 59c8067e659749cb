"""The small pages of a form, for browsers; without scripts, so that they need no trust."""

from collections.abc import Iterator, Sequence
from html import escape

from fastapi import Response

from trigger_service.domain.definitions import FormField, FormSpec
from trigger_service.domain.intake import NONCE

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with `no-referrer` browsers send the form with `Origin: null`
    "X-Content-Type-Options": "nosniff",
}
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:30rem;margin:3rem auto;padding:0 1rem}
label{display:block;margin:1rem 0}input,select{display:block;width:100%;padding:.5rem;font:inherit}
*{box-sizing:border-box}
input[type=checkbox]{display:inline;width:auto}button{padding:.6rem 1.5rem;font:inherit}
.error{color:#a00}.extra{position:absolute;left:-9999px}"""
_INPUTS = {"text": "text", "email": "email", "phone": "tel", "number": "number", "boolean": "checkbox"}


def form_page(form: FormSpec, nonce: str, errors: Sequence[tuple[str, str]] = (), status: int = 200) -> Response:
    """The form to fill in; with `errors` (field, what) after a try that failed."""
    labels = {field.name: field.label for field in form.fields}
    told = [f'<p class="error">{escape(labels.get(name, name))}: {escape(what)}</p>' for name, what in errors]
    hidden = f'<input type="hidden" name="{NONCE}" value="{escape(nonce)}">'
    trap = f'<label class="extra" aria-hidden="true">Leave empty<input name="{form.honeypot}" tabindex="-1"></label>'
    fields = "".join(_field(field) for field in form.fields)
    body = f'{"".join(told)}<form method="post">{hidden}{trap}{fields}<button>Send</button></form>'
    return _page(form.name, body, status)


def message_page(title: str, message: str, status: int) -> Response:
    return _page(title, f"<p>{escape(message)}</p>", status)


def _page(title: str, body: str, status: int) -> Response:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    html = f"<!doctype html><html><head>{head}<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body>"
    return Response(f"{html}</html>", status, HEADERS, media_type="text/html")


def _field(field: FormField) -> str:
    required = " required" if field.required and field.type != "boolean" else ""
    if field.type == "choice":
        control = f'<select name="{field.name}"{required}>{"".join(_options(field))}</select>'
    else:
        step = ' step="any"' if field.type == "number" else ""
        control = f'<input name="{field.name}" type="{_INPUTS[field.type]}"{step}{required}>'
    return f"<label>{escape(field.label)} {control}</label>"


def _options(field: FormField) -> Iterator[str]:
    yield '<option value=""></option>'
    for choice in field.choices:
        yield f'<option value="{escape(choice)}">{escape(choice)}</option>'
