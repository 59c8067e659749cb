"""`/v1/simulations`: what rules and workflows would do, in virtual time and without effects."""

from fastapi import APIRouter, Response

from contracts.kit.auth import Caller, Role, require
from contracts.kit.errors import QueueFullError
from contracts.kit.http import Problem, bad_input
from rule_engine.api.versions import refusals_as_problems
from rule_engine.application.simulations import Simulations
from rule_engine.domain.authoring.workflow_starts import BadStartError
from rule_engine.domain.simulation.arrivals import BadSimulationError
from rule_engine.domain.simulation.findings import Findings
from rule_engine.domain.simulation.request import SimulationDocument
from rule_engine.simulator import SimulationFailedError


def router(simulations: Simulations) -> APIRouter:
    """For authors."""
    routes = APIRouter(prefix="/v1/simulations", tags=["simulations"])

    @routes.post("", response_model=Findings)
    async def simulate(body: SimulationDocument, caller: Caller = require(Role.AUTHOR)) -> Response:
        """What would happen, when, and with which texts. The same question has the same answer, to the byte."""
        try:
            async with refusals_as_problems("what is to be simulated"):
                found = await simulations.run(caller, body)
        except (BadSimulationError, BadStartError) as error:
            raise bad_input("nothing was simulated", *error.issues) from error
        except QueueFullError as error:
            detail = f"{error.waiting} simulations of this tenant wait already; try again when they are done"
            raise Problem(429, "Too many requests", detail, headers={"Retry-After": "30"}) from error
        except SimulationFailedError as error:
            raise Problem(503, "Unavailable", f"nothing was simulated: {error}") from error
        return Response(found, media_type="application/json")

    return routes
