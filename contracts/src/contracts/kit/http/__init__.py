"""HTTP as all services speak it: problem details, idempotency keys, entity tags, cursors.

Sources: RFC 9457 (problem details), RFC 9110 (`ETag`, `If-Match`), the Idempotency-Key draft of the IETF.
"""

from contracts.kit.http.answers import etag, if_match, json_response
from contracts.kit.http.idempotency import Idempotency, forget_answers
from contracts.kit.http.paging import Cursor, Limit, Newest, Page, decode_cursor, encode_cursor
from contracts.kit.http.problems import (
    MAX_ISSUES,
    MAX_PLACE,
    PROBLEM,
    Problem,
    bad_input,
    bad_shape,
    conflict,
    install_problems,
    not_found,
)

__all__ = [
    "MAX_ISSUES",
    "MAX_PLACE",
    "PROBLEM",
    "Cursor",
    "Idempotency",
    "Limit",
    "Newest",
    "Page",
    "Problem",
    "bad_input",
    "bad_shape",
    "conflict",
    "decode_cursor",
    "encode_cursor",
    "etag",
    "forget_answers",
    "if_match",
    "install_problems",
    "json_response",
    "not_found",
]
