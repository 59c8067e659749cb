"""What the kit's HTTP helpers answer."""

import orjson
from pydantic import BaseModel, Field

from contracts.kit.http import json_response


class Sentence(BaseModel):
    not_: bool = Field(alias="not")


def test_a_model_is_answered_under_its_names_on_the_wire() -> None:
    answer = json_response(Sentence.model_validate({"not": True}), 201, {"etag": '"1"'})
    assert orjson.loads(answer.body) == {"not": True}
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')


def test_plain_values_are_answered_as_they_are() -> None:
    assert orjson.loads(json_response({"not_": None}).body) == {"not_": None}
