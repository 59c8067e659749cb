"""What comes in: one file per way, shared by the API, handlers and jobs; each method in its caller's transaction."""

from dataclasses import dataclass

from contracts.kit.clock import Clock, NewId
from contracts.kit.outbox import Outbox
from trigger_service.intake.arrivals import Arrivals
from trigger_service.intake.events import Events
from trigger_service.intake.forms import Forms
from trigger_service.intake.limits import SubmissionLimits
from trigger_service.intake.results import Results
from trigger_service.intake.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Intake:
    """All ways in, and the results of the commands that they lead to."""

    arrivals: Arrivals
    events: Events
    forms: Forms
    webhooks: Webhooks
    results: Results


def make_intake(outbox: Outbox, clock: Clock, new_id: NewId, limits: SubmissionLimits) -> Intake:
    arrivals = Arrivals(outbox, clock, new_id)
    return Intake(
        arrivals=arrivals,
        events=Events(arrivals),
        forms=Forms(arrivals, limits, outbox, clock),
        webhooks=Webhooks(arrivals),
        results=Results(arrivals),
    )
