"""The alerts: what they ask Prometheus, how long they wait, whom they call. Rules and the chart are made of them."""

from deployment.alerts.model import Alert, Burn, Timing
from deployment.alerts.objectives import objectives
from deployment.alerts.symptoms import symptoms

__all__ = ["Alert", "Burn", "Timing", "alerts"]


def alerts(timing: Timing) -> list[Alert]:
    """All, the promises first."""
    return [*objectives(timing), *symptoms(timing)]
