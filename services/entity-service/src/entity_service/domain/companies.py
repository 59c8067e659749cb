"""Companies of clients."""

from typing import Any
from uuid import UUID

from contracts.contexts import CompanyContext


def company_of(id: UUID, values: dict[str, Any]) -> CompanyContext:
    """The company with these values; its first addresses follow."""
    company = CompanyContext.model_validate(values | {"id": id})
    return company.model_copy(
        update={
            "phone": company.phones[0].number if company.phones else None,
            "email": company.emails[0].address if company.emails else None,
        }
    )
