"""The pages that readers of a public link see: small, without scripts, without anything from elsewhere."""

import base64
import hashlib
from html import escape
from string import Template
from urllib.parse import urlsplit

from fastapi import Response

from doc_service.domain.documents import Document
from doc_service.domain.qr_codes import QrCode

_CSS = """
:root { color-scheme: light dark; --ink: #1f2933; --soft: #627282; --paper: #fff; --ground: #f1f4f7;
  --accent: #1d5c8a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf2; --soft: #9fb0c0; --paper: #1b232c; --ground: #11171d; --accent: #6db3e2; }
}
* { box-sizing: border-box; margin: 0; }
body { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2.25rem; background: var(--paper); border-radius: .75rem;
  border-top: 4px solid var(--accent); box-shadow: 0 8px 30px rgb(0 0 0 / 8%); overflow-wrap: anywhere; }
p { color: var(--soft); white-space: pre-line; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .25rem 0; }
nav { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.75rem; }
a { flex: 1; padding: .65rem 1rem; border: 1px solid var(--accent); border-radius: .5rem; text-align: center;
  text-decoration: none; color: var(--accent); font-weight: 600; }
a:first-child { background: var(--accent); color: var(--paper); }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_PAGE = Template(
    """<!doctype html>
<html lang="$language"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow"><title>$title</title>$head<style>$css</style></head>
<body><main>$body</main></body></html>
"""
)

PRIVATE = {
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of everything below a public link."""

_HEADERS = PRIVATE | {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}

LEADS_ON_S = 3
"""How long a scanned code's page is shown before it leads on to the code's address."""
_WORDS = {
    "en": ("View", "Download", "This document is being prepared. Please come back in a moment.", "Go to"),
    "de": ("Ansehen", "Herunterladen", "Dieses Dokument wird gerade erstellt. Bitte kommen Sie gleich wieder.", "Zu"),
    "fr": ("Afficher", "Télécharger", "Ce document est en préparation. Revenez dans un instant.", "Aller sur"),
    "es": ("Ver", "Descargar", "Este documento se está preparando. Vuelva en un momento.", "Ir a"),
}


def document_page(document: Document, token: str) -> Response:
    """What a valid link shows; without buttons while there is no PDF."""
    language = _language(document.language)
    view, download, wait, _ = _WORDS[language]
    pdf = f"/d/{escape(token)}/pdf"
    below = f"<nav><a href='{pdf}'>{view}</a><a href='{pdf}?download=1'>{download}</a></nav>"
    body = (
        f"<p>{escape(document.company)}</p><h1>{escape(document.title)}</h1><p>{escape(document.number)}</p>"
        f"{below if document.file else f'<p>{wait}</p>'}"
    )
    return _page(200, f"{document.title} {document.number}", body, language)


def scanned_page(code: QrCode) -> Response:
    """What whoever scans a code sees; with an address, a moment later, what is there."""
    language = _language(code.language)
    text = f"<h1>{escape(code.title)}</h1><p>{escape(code.description)}</p>"
    if code.address is None:
        return _page(200, code.title, text, language)
    address, host = escape(code.address), escape(urlsplit(code.address).netloc)
    body = f"{text}<nav><a rel='noreferrer' href='{address}'>{_WORDS[language][-1]} {host}</a></nav>"
    head = f"<meta http-equiv='refresh' content='{LEADS_ON_S}; url={address}'>"
    return _page(200, code.title, body, language, head=head)


def no_document_page() -> Response:
    """The same for links that never were, are over or were taken back: nobody learns which."""
    body = "<h1>Not found</h1><p>This link does not open a document (any more). Please ask its sender for another.</p>"
    return _page(404, "Not found", body)


def too_many_page(retry_after_s: int) -> Response:
    body = "<h1>Too many requests</h1><p>Please try again in a minute.</p>"
    return _page(429, "Too many requests", body, headers={"Retry-After": str(retry_after_s)})


def _language(tag: str) -> str:
    """The one of a page's that is nearest."""
    language = tag.replace("_", "-").split("-")[0].lower()
    return language if language in _WORDS else "en"


def _page(  # noqa: PLR0913 - the parts of a page
    status: int,
    title: str,
    body: str,
    language: str = "en",
    *,
    head: str = "",
    headers: dict[str, str] | None = None,
) -> Response:
    html = _PAGE.substitute(language=language, title=escape(title), head=head, css=_CSS, body=body)
    return Response(html, status, _HEADERS | (headers or {}), media_type="text/html")
