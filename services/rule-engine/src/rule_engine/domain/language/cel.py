"""Expressions as trees: what the CEL parser made of a source, read from its serialised form.

Names that CEL reserves (`var`, `const`, `if`, `in(…)`) can be used: they are rewritten before the source is parsed.
What a tree gives for values is computed in `evaluation`; of CEL only the parser is used, with its macros.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from struct import unpack
from typing import Any

from cel_expr_python import cel

from contracts.budget import current
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions import FUNCTIONS
from rule_engine.domain.language.standard import STANDARD

MAX_SOURCE = 2_000
"""Characters of one expression."""
_PARSE_COST, _TOKEN_COST = 15_000, 3_000
"""Units of `contracts.budget`: an expression, and each of its tokens, to be parsed and analysed."""
MAX_COMPREHENSIONS = 2
"""How deep `map`, `filter`, `exists`, `all` may be nested."""

_TOKEN = re.compile(
    r"""(?P<text>[rR]?(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      | (?P<number>\d[\w.]*)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<space>\s+|//[^\n]*)
      | (?P<sign>[\s\S])""",
    re.VERBOSE,
)
RENAMED = {"var": "var_", "const": "const_", "if": "if_"}
_CALLED = {"in": "in_"}
SPELLED = {spelled: name for name, spelled in (RENAMED | _CALLED).items()}
MAX_DIGITS = 15
"""Of a number with some after the point: so many a double keeps."""


def _rewritten(source: str) -> str:
    return "".join(_rewrite(list(_TOKEN.finditer(source))))


def _rewrite(tokens: list[re.Match[str]]) -> Iterator[str]:
    before = ""
    for at, token in enumerate(tokens):
        word, kind = token[0], token.lastgroup
        called = next((one[0] for one in tokens[at + 1 :] if one.lastgroup != "space"), "") == "("
        if kind == "name" and called and word in _CALLED and (word != "in" or not _ends_operand(before)):
            yield _CALLED[word]
        elif kind == "name" and before != "." and word in RENAMED:
            yield RENAMED[word]
        else:
            yield word
        before = before if kind == "space" else word


def _ends_operand(word: str) -> bool:
    return bool(word) and (word[-1].isalnum() or word[-1] in "_)]}\"'")


# compared by identity: `true` and `1` are equal in Python


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A literal: null, yes or no, a number, a text."""

    value: str | int | Fraction | None


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A name of the context, or of a macro's variable."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Select:
    """`operand.key`; `tested`: inside of `has`."""

    operand: "Node"
    key: str
    tested: bool


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function or operator; a method's target is the first argument."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Build:
    """A list, or a mapping's keys and values."""

    parts: tuple["Node", ...]
    mapping: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Comprehension:
    """What a macro such as `map` became: a loop over `range` that accumulates."""

    variables: tuple[str, ...]
    range: "Node"
    accumulator: str
    start: "Node"
    condition: "Node"
    step: "Node"
    result: "Node"


type Node = Constant | Name | Select | Call | Build | Comprehension


def parse(source: str) -> Node:
    """Its tree. Raises `ValueFailureError` for what is no expression, or takes too much work whatever the values.

    Spends what it costs, also when the expression is known already: a decision must not depend on what was done before.
    """
    if len(source) > MAX_SOURCE:
        raise ValueFailureError(f"an expression has at most {MAX_SOURCE} characters")
    tokens = [one for one in _TOKEN.finditer(source) if one.lastgroup != "space"]
    current().spend(_PARSE_COST + _TOKEN_COST * len(tokens), "expressions")
    for one in tokens:
        _refuse_digits(one)
    return _parsed(source)


def _refuse_digits(token: re.Match[str]) -> None:
    digits = re.sub(r"[eE].*|\.|^0+", "", token[0])
    if token.lastgroup == "number" and "." in token[0] and len(digits) > MAX_DIGITS:
        raise ValueFailureError(f"a number with digits after the point has at most {MAX_DIGITS}")


@lru_cache(maxsize=512)
def _parsed(source: str) -> Node:
    try:
        program = _environment().compile(_rewritten(source), disable_check=True)
    except RuntimeError as error:
        raise ValueFailureError(_reason(str(error))) from error
    tree = _node(_fields(dict(_protobuf_fields(program.serialize()))[2]).get(2, [b""])[0])
    _refuse(tree, 0)
    return tree


def _reason(text: str) -> str:
    """The parser's first complaint, without the rewritten source."""
    found = re.search(r"ERROR: <input>:-?\d+:-?\d+: ([^\n]*)", text)
    reason = (found[1] if found else text.partition("\n")[0]).strip()
    if "recursion" in reason:
        return "the expression is nested too deeply: an operator in a row of more than thirty counts as nesting"
    return f"the expression cannot be read: {reason.partition(' expecting {')[0]:.200}"


@lru_cache(maxsize=1)
def _environment() -> cel.Env:
    return cel.NewEnv()


def _refuse(node: Node, depth: int) -> None:
    match node:
        case Call(function=function, arguments=arguments):
            _refuse_call(function, len(arguments))
        case Comprehension() if depth >= MAX_COMPREHENSIONS:
            raise ValueFailureError(f"map, filter, exists and all are nested at most {MAX_COMPREHENSIONS} deep")
    for child in children(node):
        goes_in = isinstance(node, Comprehension) and child is not node.range
        _refuse(child, depth + goes_in)


def _refuse_call(function: str, count: int) -> None:
    if not function[0].isalpha():
        if function == "_%_":
            raise ValueFailureError("there is no operator % here: numbers may have digits after the point")
        return
    name = SPELLED.get(function, function)
    if name in FUNCTIONS:
        fits = FUNCTIONS[name].least <= count <= FUNCTIONS[name].most
    elif name in STANDARD:
        fits = count in STANDARD[name].arities
    else:
        raise ValueFailureError(f"there is no function {name!r:.60}")
    if not fits:
        raise ValueFailureError(f"{name} does not take {count} arguments")


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside."""
    match node:
        case Select(operand=operand):
            return (operand,)
        case Call(arguments=parts) | Build(parts=parts):
            return parts
        case Comprehension():
            return (node.range, node.start, node.condition, node.step, node.result)
        case _:
            return ()


# the serialised form: protobuf's cel.expr.Expr, whose field numbers never change


def _protobuf_fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and values of a message's fields."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        match key & 7:
            case 0:
                value, at = _varint(data, at)
                yield key >> 3, value
            case 1:
                yield key >> 3, data[at : at + 8]
                at += 8
            case _:
                length, at = _varint(data, at)
                yield key >> 3, data[at : at + length]
                at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at


def _fields(data: bytes) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for number, value in _protobuf_fields(data):
        found.setdefault(number, []).append(value)
    return found


def _node(data: bytes) -> Node:
    found = _fields(data)
    kind = next(number for number in found if number != 2)
    inside = _fields(found[kind][0])
    return _READERS[kind](inside)


def _constant(inside: dict[int, list[Any]]) -> Node:
    ((number, (value, *_)), *_) = inside.items()
    match number:
        case 1:
            return Constant(None)
        case 2:
            return Constant(bool(value))
        case 3:
            return Constant(value - 2**64 if value >= 2**63 else value)
        case 4:
            return Constant(value)
        case 5:
            return Constant(Fraction(Decimal(repr(unpack("<d", value)[0]))))
        case 6:
            return Constant(value.decode())
        case _:
            raise ValueFailureError("there are no bytes here: write a text without b before it")


def _word(inside: dict[int, list[Any]], number: int) -> str:
    return bytes(inside.get(number, [b""])[0]).decode()


def _select(inside: dict[int, list[Any]]) -> Node:
    return Select(_node(inside[1][0]), _word(inside, 2), bool(inside.get(3)))


def _call(inside: dict[int, list[Any]]) -> Node:
    return Call(_word(inside, 2), tuple(_node(one) for one in (*inside.get(1, ()), *inside.get(3, ()))))


def _list(inside: dict[int, list[Any]]) -> Node:
    return Build(tuple(_node(one) for one in inside.get(1, ())))


def _struct(inside: dict[int, list[Any]]) -> Node:
    if _word(inside, 1):
        raise ValueFailureError("there are no message types here")
    entries = [_fields(one) for one in inside.get(2, ())]
    return Build(tuple(_node(entry[number][0]) for entry in entries for number in (3, 4)), mapping=True)


def _comprehension(inside: dict[int, list[Any]]) -> Node:
    parts = [_node(inside[number][0]) for number in (2, 4, 5, 6, 7)]
    variables = tuple(name for name in (_word(inside, 1), _word(inside, 8)) if name)
    over, start, condition, step, result = parts
    return Comprehension(variables, over, _word(inside, 3), start, condition, step, result)


_READERS = {
    3: _constant,
    4: lambda inside: Name(_word(inside, 1)),
    5: _select,
    6: _call,
    7: _list,
    8: _struct,
    9: _comprehension,
}
