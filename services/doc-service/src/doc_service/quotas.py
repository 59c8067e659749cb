"""What a tenant may have in this service."""

from contracts.kit.quotas import Quota
from doc_service.store import Store

_STORE = Store()

FILE_BYTES = Quota(
    name="file_bytes",
    default=10 * 1024**3,
    counts="bytes of files, uploaded and printed",
    at_limit="uploads and documents are refused; files that there are can be read",
    used=_STORE.files.total_bytes,
)
TEMPLATES = Quota(
    name="templates",
    default=500,
    counts="templates, archived ones included",
    at_limit="new ones are refused; those that there are can be changed",
    used=_STORE.templates.count,
)

QUOTAS = (FILE_BYTES, TEMPLATES)
