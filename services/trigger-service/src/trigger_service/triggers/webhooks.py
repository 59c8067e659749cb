"""Triggers that other systems call by a URL of their own."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from trigger_service.triggers.base import TriggerSettings, TriggerType


class WebhookSettings(TriggerSettings):
    """How the body of a call is read. Source of JSON pointers: RFC 6901."""

    item: Annotated[str, Field(min_length=1, max_length=200)] = "item_id"
    """Where the body has the item's id, as a dotted path (`order.item_id`) or JSON pointer (`/order/item_id`)."""


class Webhook(TriggerType[WebhookSettings]):
    """Facts: the body. A call concerns the one trigger whose URL it is."""

    name = "webhook"
    title = "Webhook called"
    group = "Webhooks"
    description = "the trigger's own secret URL is called with a JSON body that names the item"
    context_name = "body"
    settings = WebhookSettings

    @staticmethod
    def item_id(settings: Mapping[str, Any], body: Mapping[str, Any]) -> UUID | None:
        """The item that a body is about; null when there is no item's id at the place that the settings name."""
        found = _find(body, WebhookSettings.model_validate(settings).item)
        try:
            return UUID(found) if isinstance(found, str) else None
        except ValueError:
            return None


def _find(body: Any, path: str) -> Any:
    for key in _keys(path):
        if isinstance(body, Mapping):
            body = body.get(key)
        elif isinstance(body, list) and key.isdecimal() and int(key) < len(body):
            body = body[int(key)]
        else:
            return None
    return body


def _keys(path: str) -> list[str]:
    if not path.startswith("/"):
        return path.split(".")
    return [key.replace("~1", "/").replace("~0", "~") for key in path[1:].split("/")]
