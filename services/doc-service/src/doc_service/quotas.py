"""What a tenant may have in this service."""

from contracts.kit.quotas import Quota, of_definitions
from doc_service.store import Store

_STORE = Store()

FILE_BYTES = Quota(
    name="file_bytes",
    default=10 * 1024**3,
    counts="bytes of files, uploaded and printed",
    at_limit="uploads and documents are refused; files that exist can be read",
    used=_STORE.files.total_bytes,
)
TEMPLATES = of_definitions("templates", 500, "templates", _STORE.templates.count)

QUOTAS = (FILE_BYTES, TEMPLATES)
