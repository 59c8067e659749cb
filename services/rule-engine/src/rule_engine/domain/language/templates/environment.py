"""The Liquid of authors: its tags and filters, and a rendering that spends a budget."""

from collections.abc import Callable, Mapping
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, RenderContext, Token
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.exceptions import (
    FilterError,
    ResourceLimitError,
    UndefinedError,
)
from liquid.stringify import to_liquid_string
from liquid.undefined import UNDEFINED, FalsyStrictUndefined

from contracts.budget import BudgetError, current
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions import FUNCTIONS
from rule_engine.domain.language.templates.filters import (
    ARITHMETIC,
    FILTERS,
    SHALLOW,
    checked,
    exactly,
    growth,
    of_function,
    printed_size,
    size,
)

MAX_OUTPUT = 300_000
"""Bytes that one text may render to; a message carries at most 900 kB."""

TAGS = frozenset(
    {"content", "output", "illegal", "if", "unless", "case", "for", "break", "continue"}
    | {"assign", "capture", "echo", "comment"}
)


class _Undefined(FalsyStrictUndefined):
    """An unknown name is an error when printed; `if` and `default` may ask for it."""

    force_liquid_default = True


class _Context(RenderContext):
    """A rendering under way, with what is left of its budget."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._budget = current()

    def spend(self, units: int) -> None:
        self._budget.spend(units, "texts")

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Null where a step of the path is null, and for a custom field that the item does not have filled."""
        value = super().get(path, token=token, default=None if path[:2] == ["item", "fields"] else default)
        self.spend(size(value))
        return value

    def get_item(self, obj: Any, key: Any) -> Any:
        return None if obj is None else super().get_item(obj, key)

    def assign(self, key: str, val: Any) -> None:
        self.spend(size(val))
        self.locals[key] = val

    def raise_for_loop_limit(self, length: int = 1) -> None:
        template = self.template
        assert isinstance(template, Template)  # noqa: S101 - the environment makes no others
        self.spend(length * template.cost)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        apply = super().filter(name, token)

        def bounded(value: object, *args: object, **kwargs: object) -> object:
            self.spend((size if name in SHALLOW else printed_size)(value) + sum(map(size, args)))
            self.spend(growth(name, value, args))
            try:
                return checked(apply(value, *args, **kwargs))
            except (BudgetError, ResourceLimitError, UndefinedError):
                raise
            except ValueFailureError as error:
                raise FilterError(str(error), token=token) from error
            except Exception as error:  # filters raise anything; their texts show values, ours must not
                raise FilterError(f"the filter {name} cannot be used like this on this value", token=token) from error

        return bounded


class _PrintedNode(OutputNode):
    """An insertion: what it prints is paid for before it becomes a text."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = self.expression.evaluate(context)
        assert isinstance(context, _Context)  # noqa: S101 - the environment makes no others
        context.spend(printed_size(value))
        return buffer.write(to_liquid_string(value, autoescape=context.autoescape))


class _Output(Output):
    node_class = _PrintedNode


class _EchoNode(_PrintedNode, EchoNode):
    pass


class _Echo(EchoTag):
    node_class = _EchoNode


class Template(BoundTemplate):
    context_class = _Context
    cost: int = 0
    """Of one iteration of a loop somewhere in it."""

    def make_globals(self, render_args: Mapping[str, object]) -> Mapping[str, object]:
        """Only what it is rendered with: our templates bring no names of their own."""
        return render_args


class _Environment(Environment):
    template_class = Template
    output_stream_limit = MAX_OUTPUT

    def __init__(self, *, html: bool) -> None:
        super().__init__(undefined=_Undefined, autoescape=html, strict_filters=True)
        self.tags = {name: tag for name, tag in self.tags.items() if name in TAGS}
        self.tags |= {"output": _Output(self), "echo": _Echo(self)}
        self.filters = {name: apply for name, apply in self.filters.items() if name in FILTERS}
        self.filters |= {name: exactly(name, apply) for name, apply in ARITHMETIC.items()}
        ours = FUNCTIONS | {f"{name}_": FUNCTIONS[name] for name in ("if", "in")}
        self.filters |= {name: of_function(function) for name, function in ours.items()}


ENVIRONMENT = _Environment(html=False)
HTML_ENVIRONMENT = _Environment(html=True)
"""Its values are escaped when they are printed, unless they went through `safe`: what visitors typed is no markup."""
