"""Conditions of rules and triggers: a typed tree over named values, compiled once, explained leaf by leaf.

A condition is one of `{"all": […]}`, `{"any": […]}`, `{"not": {…}}`, a leaf
`{"path": "item.amount", "op": "gt", "value": {"amount": 100000, "currency": "EUR"}}`, a question about a list
`{"some": "products", "where": {"path": "each.quantity", "op": "gt", "value": 3}}` (also `every` and `none`), or an
expression `{"expr": "…"}` where the service has expressions.

Values are looked up by dotted path in a nested mapping of JSON values; what is absent counts as empty (null). A leaf's
`value` is a constant, `{"path": …}`, `{"relative": "today", "days": -3}`, or `{"period": "this_month"}`. What is
relative counts from `now` among the values, in the time zone of `tenant.time_zone`.
"""

from contracts.conditions.comparison import ConditionError, Values
from contracts.conditions.evaluation import (
    Compiled,
    CompiledExpression,
    compile_condition,
    look_up,
)
from contracts.conditions.model import (
    MAX_DEPTH,
    WORDS,
    All,
    Any_,
    Condition,
    Every,
    Expr,
    Leaf,
    NoneOf,
    Not,
    Some,
    described,
    expressions_of,
    leaves_of,
    paths,
)
from contracts.conditions.verdicts import LeafVerdict, Verdict

__all__ = [
    "MAX_DEPTH",
    "WORDS",
    "All",
    "Any_",
    "Compiled",
    "CompiledExpression",
    "Condition",
    "ConditionError",
    "Every",
    "Expr",
    "Leaf",
    "LeafVerdict",
    "NoneOf",
    "Not",
    "Some",
    "Values",
    "Verdict",
    "compile_condition",
    "described",
    "expressions_of",
    "leaves_of",
    "look_up",
    "paths",
]
