"""Whether a value of a parameter makes sense: the text, path or expression that makes it names what there is."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language import expressions, templates, value_types
from rule_engine.domain.language.value_types import PathError, Shape, described


def value_issues(value: JsonValue, names: Shape) -> Iterator[str]:
    """What is wrong with it, where `names` can be named."""
    match value:
        case str():
            yield from _text_issues(value, names)
        case {"path": str(path)}:
            yield from _path_issues(path, names)
        case {"expr": str(source)}:
            yield from expressions.issues(source, names)
        case {"path": _} | {"expr": _}:
            yield "a path is a text such as item.title, an expression a text such as size(products)"


def _text_issues(source: str, names: Shape) -> Iterator[str]:
    if "{" not in source:
        return
    try:
        text = templates.parse(source)
    except ValueFailureError as error:
        yield str(error)
        return
    roots = {path.partition(".")[0] for path in text.paths}
    spelled_out = {path: _spelled_out(path, text.loops) for path in text.loop_paths | text.printed}
    inside = [spelled_out[path] for path in text.loop_paths if spelled_out[path].partition(".")[0] in roots]
    wrong = [what for path in sorted({*text.paths, *inside}) for what in _path_issues(path, names)]
    yield from wrong
    if not wrong:
        shown = [spelled_out[path] for path in text.printed if spelled_out[path].partition(".")[0] in roots]
        yield from (what for path in sorted(set(shown)) for what in _print_issues(path, names))


def _spelled_out(path: str, loops: Mapping[str, str]) -> str:
    """`row.name` in a loop over `products` is `products.0.name`; loops may be inside loops."""
    for _ in loops:
        root, _, rest = path.partition(".")
        if root not in loops:
            break
        path = f"{loops[root]}.0{rest and f'.{rest}'}"
    return path


def _path_issues(path: str, names: Shape) -> Iterator[str]:
    try:
        value_types.find(names, path, in_text=True)
    except PathError as error:
        yield str(error)


def _print_issues(path: str, names: Shape) -> Iterator[str]:
    shape = value_types.find(names, path, in_text=True)
    if shape.kind == "money":
        yield f"{path} is money: print it by {{{{ {path} | money }}}}"
    elif shape.kind in ("object", "file", "list"):
        yield f"{path} is {described(shape)}: name a part of it that can be printed"
