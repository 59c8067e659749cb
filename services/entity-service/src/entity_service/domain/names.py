"""How the names of people are written."""


def full_name(first: str, last: str) -> str:
    """Both names, as a person would write them."""
    return f"{first} {last}".strip()
