"""doc-service in a process that is killed when it has kept a rendered PDF and before it commits the outcome."""

from contracts.kit.command_line import run_service
from doc_service.gateways.files import FileStore
from support.dying import dying

if __name__ == "__main__":
    FileStore.put = dying(FileStore.put, after=True)  # type: ignore[method-assign]
    run_service("doc_service")
