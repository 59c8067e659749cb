"""Templates that ship with the service; a tenant's own template of the same code takes their place."""

from collections.abc import Mapping
from importlib.resources import files

from doc_service.domain.templates import BUILTIN_VERSION, Template


def load_templates() -> Mapping[str, Template]:
    """The shipped templates by code."""
    invoice = Template(
        code="invoice",
        version=BUILTIN_VERSION,
        name="Invoice",
        language=None,
        number_pattern="INV-{year}-{number:4}",
        source=files(__package__).joinpath("invoice.typ").read_text(),
    )
    return {invoice.code: invoice}
