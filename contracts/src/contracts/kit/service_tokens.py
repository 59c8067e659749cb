"""When the tokens end that a service shows to those it asks, so that somebody is told in time."""

from collections.abc import Iterator

from contracts.kit import telemetry
from contracts.kit.settings import ServiceSettings
from contracts.kit.token_files import UNUSABLE, ends_at
from contracts.service_calls import called_by


def measure_service_tokens(service: str, settings: ServiceSettings) -> None:
    """Sets `service_token_ends_timestamp_seconds` from the files as they are now."""
    for called in asked(service, settings):
        ends = UNUSABLE if settings.service_tokens_dir is None else ends_at(settings.service_tokens_dir / called)
        telemetry.SERVICE_TOKEN_ENDS.labels(called).set(ends)


def asked(service: str, settings: ServiceSettings) -> Iterator[str]:
    """The services that it asks and whose address it was told."""
    for called in called_by(service):
        if getattr(settings, f"{called.replace('-', '_')}_url", None) is not None:
            yield called
