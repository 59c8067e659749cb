"""`/v1/simulations`: what rules and workflows would do, in virtual time and without effects."""

from fastapi import APIRouter, Response

from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import bad_input
from rule_engine.api.problems import process_problems
from rule_engine.api.versions import refusals_as_problems
from rule_engine.application.simulations import Simulations
from rule_engine.domain.authoring.workflow_starts import BadStartError
from rule_engine.domain.simulation.arrivals import BadSimulationError
from rule_engine.domain.simulation.findings import Findings
from rule_engine.domain.simulation.request import SimulationDocument


def router(simulations: Simulations) -> APIRouter:
    """For authors."""
    routes = APIRouter(prefix="/v1/simulations", tags=["simulations"])

    @routes.post("", response_model=Findings)
    async def simulate(body: SimulationDocument, caller: Caller = require(Role.AUTHOR)) -> Response:
        """What would happen, when, and with which texts. The same question has the same answer, to the byte."""
        try:
            with process_problems("simulations and replays", "nothing was simulated"):
                async with refusals_as_problems("what is to be simulated"):
                    found = await simulations.run(caller, body)
        except (BadSimulationError, BadStartError) as error:
            raise bad_input("nothing was simulated", *error.issues) from error
        return Response(found, media_type="application/json")

    return routes
