"""Every SQL statement of doc-service, split by noun; each takes the connection of a transaction."""

from doc_service.store.documents import DocumentStore
from doc_service.store.files import FileIndex
from doc_service.store.links import LinkStore
from doc_service.store.qr_codes import QrCodeStore
from doc_service.store.templates import TemplateStore


class Store:
    """All tables of the service."""

    def __init__(self) -> None:
        self.files = FileIndex()
        self.templates = TemplateStore()
        self.documents = DocumentStore()
        self.links = LinkStore()
        self.qr_codes = QrCodeStore()
