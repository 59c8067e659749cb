"""A corpus of hostile values: what one tenant writes, by mistake or on purpose, and no other tenant may notice.

Each dictionary is one kind of value, by what is odd about it. The strategies below mix them with what Hypothesis makes
up. `hostile` holds the expressions and texts that mean to take for ever; they are part of the corpus.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from support import hostile

type Json = Any

CHARACTERS: Mapping[str, str] = {
    "null": "a\x00b",
    "only null": "\x00",
    "lone surrogate": "a\ud800b",
    "surrogates the wrong way round": "\udc00\ud800",
    "C0 controls": "".join(map(chr, range(1, 32))),
    "C1 controls": "".join(map(chr, range(127, 160))),
    "bell and escape": "\x07\x1b[31mred\x1b[0m",
    "line ends": "a\r\nb\rc\nd\u2028e\u2029f\x85g",
    "right to left": "\u202eegassem terces\u202c \u0645\u0631\u062d\u0628\u0627",
    "zero width": "a\u200b\u200c\u200d\u2060\ufeffb",
    "one letter, many marks": "Z" + "\u0301\u0327\u0336" * 300,
    "decomposed": "Mu\u0308ller A\u030a\u1100\u1161\u11a8",
    "beyond the basic plane": "\U0001f469\u200d\U0001f469\u200d\U0001f467\U00020000\U0010ffff",
    "no characters": "\ufffe\uffff\ufdd0",
    "grows in upper case": "\u0149\ufb03\u00df\u1e9e\u0130" * 200,
    "blanks of all kinds": " \t\u00a0\u1680\u2003\u202f\u3000",
    "private use": "\ue000\uf8ff",
    "tags": "<script>alert(1)</script><img src=x onerror=y>&#0;]]>",
    "typesetter": '#while true {} #read("/etc/passwd") $ sum_(i)^n @a <b> \\ ` " #[',
    "quotes of SQL": "'; DROP TABLE items; --",
    "format strings": "%s %n {0} {item.__class__} ${jndi:ldap://127.0.0.1/a} {{7*7}}",
}
HEADERS: Mapping[str, str] = {
    "another recipient": "Ada\r\nBcc: everybody@example.org",
    "another body": "Ada\n\nA second body",
    "folded": "Ada\r\n\tX-Spam: no",
    "an address in a long name": "A" * 70 + ' <victim@example.org>, "B" ',
    "encoded word": "=?utf-8?B?AAAA?=" * 20,
    "a name of 300": '"' * 300,
}
SIZES: Mapping[str, str] = {
    "nothing": "",
    "10 kB": "x" * 10_240,
    "just below 50,000": "y" * 49_990,
    "60 kB of three bytes": "\u20ac" * 20_000,
    "256 characters": "n" * 256,
    "1,531 characters": "s" * 1_531,
    "2,000 dots": "." * 2_000,
    "a path of 2,000 parts": "item" + ".a" * 2_000,
    "one word": "W" * 5_000,
    "many lines": "line\n" * 3_000,
}
ADDRESSES: Mapping[str, str] = {
    "dot at the end of the name": "jurgen.@client.example",
    "umlaut": "j\u00fcrgen@b\u00fccher.example",
    "quoted": '"a b\\" <x>"@client.example',
    "with a comment": "a(comment)@client.example",
    "literal": "a@[127.0.0.1]",
    "no dot": "a@localhost",
    "label of 63": "a@" + "b" * 63 + ".example",
    "name of 65": "a" * 65 + "@client.example",
    "two at signs": "a@b@client.example",
    "line end": "a@client.example\r\nRCPT TO:<b@client.example>",
    "phone of 15 digits": "+999999999999999",
    "phone of 16 digits": "+9999999999999999",
    "phone in other digits": "+\u0664\u0669\u0661\u0667\u0660",
    "phone with an extension": "+44 7700 900123;ext=99",
    "premium number": "+449098790000",
    "star codes": "**21*+447700900123#",
    "only plus": "+",
}
URLS: Mapping[str, str] = {
    "loopback": "http://127.0.0.1:1/",
    "loopback as one number": "http://2130706433/",
    "loopback mapped": "http://[::ffff:127.0.0.1]/",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "file": "file:///etc/passwd",
    "script": "javascript:alert(1)",
    "broken brackets": "http://[",
    "port that is none": "http://a:99999999/",
    "credentials": "http://a:b@127.0.0.1/",
    "data": "data:text/html;base64,AAAA",
}
TIMES: Mapping[str, str] = {
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "first moment": "0001-01-01T00:00:00Z",
    "before the first moment": "0001-01-01T00:00:00+14:00",
    "last moment": "9999-12-31T23:59:59.999999Z",
    "after the last moment": "9999-12-31T23:59:59-14:00",
    "leap day": "2096-02-29",
    "no leap day": "2100-02-29",
    "no such day": "2026-02-30",
    "leap second": "2016-12-31T23:59:60Z",
    "in the gap": "2096-03-25T02:30:00",
    "twice": "2096-10-28T02:30:00",
    "year of five digits": "10000-01-01",
    "week date": "2026-W53-7",
    "lower case": "2026-01-01t00:00:00z",
    "midnight twice": "24:00",
    "clock past its end": "25:61",
    "seconds since 1970": "1e300",
    "German": "24.12.2026",
}
ZONES: Mapping[str, str] = {
    "no such zone": "Mars/Olympus",
    "a path": "../../etc/passwd",
    "absolute": "/etc/localtime",
    "null": "Europe/\x00",
    "of the file system": "posixrules",
    "far": "Etc/GMT-14",
    "long": "A/" * 2_000,
}
NUMBERS: Mapping[str, int | float] = {
    "1e300": 1e300,
    "-1e300": -1e300,
    "smallest": 5e-324,
    "minus nought": -0.0,
    "2**53 + 1": 2**53 + 1,
    "2**63 - 1": 2**63 - 1,
    "2**63": 2**63,
    "-(2**63) - 1": -(2**63) - 1,
    "2**31": 2**31,
    "300 digits": 10**299 + 7,
    "0.1 + 0.2": 0.1 + 0.2,
    "nought": 0,
    "minus one": -1,
}
MONEY: Mapping[str, Json] = {
    "all there is": {"amount": 2**63 - 1, "currency": "EUR"},
    "more than there is": {"amount": 2**63, "currency": "EUR"},
    "debt": {"amount": -(2**63), "currency": "EUR"},
    "no currency": {"amount": 1, "currency": "XXX"},
    "unheard of": {"amount": 1, "currency": "ZZZ"},
    "no minor units": {"amount": 10**15, "currency": "JPY"},
    "four minor units": {"amount": 1, "currency": "CLF"},
    "cents as a text": {"amount": "12.345", "currency": "eur"},
    "fractions": {"amount": 0.5, "currency": "EUR"},
}


def nested(depth: int, inner: Json = 1) -> Json:
    """Lists in lists."""
    for _ in range(depth):
        inner = [inner]
    return inner


SHAPES: Mapping[str, Json] = {
    "deep list": nested(90),
    "deeper list": nested(600),
    "deep object": {"a": {"a": {"a": {"a": {"a": nested(80)}}}}},
    "many elements": list(range(5_000)),
    "many keys": {f"k{number}": number for number in range(2_000)},
    "no keys": {"": {"": None}},
    "keys with dots": {"a.b": 1, "..": 2, ".": 3, "." * 2_000: 4},
    "keys of Python": {"__class__": 1, "__proto__": {"x": 1}, "constructor": None},
    "keys of the language": {"path": "item.title", "expr": "1", "const": 2},
    "key with null": {"a\x00": 1},
    "key with a surrogate": {"\ud800": 1},
    "key of 10 kB": {"k" * 10_000: 1},
    "mixed": [None, True, "", 0, -0.0, [], {}],
    "false": False,
    "empty": None,
}
TEMPLATES: Mapping[str, str] = hostile.TEXTS | {
    "null by a filter": "{{ '%00' | url_decode }}",
    "surrogate by a filter": "{{ '%ED%A0%80' | url_decode }}",
    "controls by a filter": "{{ '%01%1B%85' | url_decode }}",
    "line ends by a filter": "{{ 'a%0D%0ABcc:%20b@example.org' | url_decode }}",
    "the item's title": "{{ item.title }}",
    "the item's note": "{{ item.fields.note }}",
    "10 kB twice": "{{ item.fields.note }}" * 2,
    "nested brackets of now": "{{ item.title[" + "now[" * 400 + "now" + "]" * 401 + " }}",
    "just below the limit": "z" * 49_000 + "{{ item.title }}",
    "never closed": "{{ item.title ",
    "nothing": "{{ '' }}",
    "blanks": "{{ '   ' }}",
}
_LONG = "x" * 1_900
EXPRESSIONS: Mapping[str, str] = {
    **{name: source.replace("long", "item.fields.note") for name, source in hostile.EXPRESSIONS.items()},
    "null character": r"'\x00'",
    "surrogate": r"'\ud800'",
    "1e300": "1e300",
    "minus nought": "-0.0",
    "infinity": "1e308 * 10.0",
    "no number": "1e308 * 10.0 - 1e308 * 10.0",
    "division by nought": "1 / 0",
    "2**63 by sums": "9223372036854775807 + 1",
    "a long text": f"'{_LONG}'",
    "brackets": "(" * 300 + "1" + ")" * 300,
    "lists in lists": "[" * 100 + "1" + "]" * 100,
    "not": "!" * 500 + "true",
    "choices": "true ? " * 300 + "1" + " : 1" * 300,
    "odd keys": "{'': 1, '.': 2, 'a.b': 3}",
    "key that is no text": "{1: 2, true: 3}",
    "the whole item": "item",
    "everybody": "contacts",
    "the last day": "dateadd('9999-12-31', '1 day')",
    "a thousand years of work": "addworkdays('0001-01-01', -1)",
    "no such zone": "to_timezone(now, 'Mars/Olympus')",
    "all money": "{'amount': 9223372036854775807, 'currency': 'EUR'}",
    "dots": f"'{'.' * 1_900}'",
    "bytes": r"b'\xff\xfe'",
    "a duration": "duration('9999999h')",
    "a moment before all": "timestamp('0001-01-01T00:00:00Z') - duration('1h')",
}


def tower(depth: int, where: str = "some") -> Json:
    """Quantifiers over the products, one in another: rows to the power of depth."""
    inner: Json = {"path": "each.quantity", "op": "lt", "value": -1}
    for _ in range(depth):
        inner = {where: "products", "where": inner}
    return inner


CONDITIONS: Mapping[str, Json] = {
    "two quantifiers": tower(2, "none"),
    "three quantifiers": tower(3, "none"),
    "seven quantifiers": tower(7, "none"),
    "quantifiers that never find": tower(5),
    "everything of everything": tower(4, "every"),
    "20,000 values": {"path": "item.title", "op": "contains_any", "value": [f"v{n}" for n in range(20_000)]},
    "2,000 long values": {
        "path": "item.title",
        "op": "contains_any",
        "value": ["l" * 90 + str(n) for n in range(2_000)],
    },
    "20,000 numbers": {"path": "item.fields.count", "op": "in", "value": list(range(20_000))},
    "1,000 leaves": {"all": [{"path": "item.title", "op": "contains", "value": str(n)} for n in range(1_000)]},
    "patterns": {"path": "item.fields.note", "op": "matches", "value": "(a|aa)+(.*a){100}b"},
    "pattern of counts": {"path": "item.fields.note", "op": "matches", "value": "((x{1,30}){1,30}){1,1}y"},
    "pattern that is none": {"path": "item.title", "op": "matches", "value": "(?<=a)\\1("},
    "pattern of classes": {"path": "item.title", "op": "matches", "value": "\\pL\\PN" * 80},
    "deep not": {"not": {"not": {"not": {"not": {"not": {"path": "item.title", "op": "filled"}}}}}},
    "path of 2,000 dots": {"path": "item" + "." * 150, "op": "filled"},
    "last day": {"path": "item.fields.day", "op": "between", "value": ["0001-01-01", "9999-12-31"]},
    "days beyond": {"path": "item.fields.day", "op": "lt", "value": {"relative": "today", "days": 10**9}},
    "huge number": {"path": "item.fields.count", "op": "gt", "value": 1e300},
    "300 digits": {"path": "item.fields.count", "op": "eq", "value": 10**299},
    "all money": {"path": "item.amount", "op": "lt", "value": {"amount": 2**63 - 1, "currency": "EUR"}},
    **{f"expression: {name}": {"expr": source} for name, source in EXPRESSIONS.items()},
}
RUNS: Mapping[str, Json] = {
    "now": {"when": "now"},
    "in a second": {"when": "after", "seconds": 1},
    "in a century": {"when": "after", "months": 1_200, "weeks": 5_200, "days": 36_500},
    "in 2,500 working days": {"when": "after", "working_days": 2_500, "working_time": "responsible"},
    "in 10,000 working hours": {"when": "after", "working_hours": 10_000},
    "before a day of the item": {"when": "before", "from": "item.fields.day", "months": 1_200},
    "after a day of the item": {"when": "after", "from": "item.fields.day", "months": 1_200, "no_date": "run_now"},
    "at the first day": {"when": "at", "date": "0001-01-01"},
    "at the last day": {"when": "at", "date": "9999-12-31", "clock": "23:59", "time_zone": "client"},
    "in the gap": {"when": "at", "date": "2096-03-25", "clock": "02:30"},
    "when a day of the item comes": {"when": "at", "from": "item.fields.day", "no_date": "wait"},
}
TEXTS: Mapping[str, str] = {**CHARACTERS, **HEADERS, **SIZES, **ADDRESSES, **URLS, **TIMES, **ZONES}


def named(kind: Mapping[str, Json]) -> SearchStrategy[Any]:
    """One of a kind."""
    return st.sampled_from(list(kind)).map(lambda name: kind[name])


_CHARACTERS = st.characters(exclude_categories=())
_PATHS = ("item.title", "item.fields.note", "item.fields.count", "item.amount", "products")


def _inserted(text: str, at: int, part: str) -> str:
    return text[:at] + part + text[at:]


grown_texts: SearchStrategy[str] = st.one_of(
    st.text(_CHARACTERS, max_size=30),
    st.builds(str.__add__, named(TEXTS), named(TEXTS)),
    st.builds(_inserted, named(TEXTS), st.integers(0, 20), st.text(_CHARACTERS)),
)
texts: SearchStrategy[str] = named(TEXTS) | grown_texts
numbers: SearchStrategy[int | float] = st.one_of(
    named(NUMBERS), st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False)
)
shapes: SearchStrategy[Json] = named(SHAPES) | st.recursive(
    texts | numbers | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
values: SearchStrategy[Json] = texts | numbers | named(MONEY) | shapes
"""What somebody may write where a value is asked for."""
templates: SearchStrategy[str] = st.one_of(
    named(TEMPLATES), texts, st.builds("{{{{ {} | {} }}}}".format, st.text(max_size=20), st.text(max_size=20))
)
expressions: SearchStrategy[str] = named(EXPRESSIONS) | st.text(max_size=40)
parameters: SearchStrategy[Json] = st.one_of(
    templates,
    values,
    st.fixed_dictionaries({"const": values}),
    st.fixed_dictionaries({"expr": expressions}),
    st.fixed_dictionaries({"path": texts | st.sampled_from(_PATHS)}),
)
"""What an author may write as a rule's parameter."""
conditions: SearchStrategy[Json] = named(CONDITIONS) | st.fixed_dictionaries(
    {
        "path": st.sampled_from(["item.title", "item.fields.note", "item.fields.count"]),
        "op": st.just("eq"),
        "value": values,
    }
)


type Path = tuple[str | int, ...]


def places(body: Json, path: Path = ()) -> list[Path]:
    """Of all parts of a JSON value, itself excepted."""
    inner = list(body.items()) if isinstance(body, dict) else list(enumerate(body)) if isinstance(body, list) else []
    return [found for key, part in inner for found in ((*path, key), *places(part, (*path, key)))]


def replaced(body: Json, path: Path, value: Json) -> Json:
    """A copy with another value at the path."""
    if not path:
        return value
    first, *rest = path
    copy: Any = dict(body) if isinstance(body, dict) else list(body)
    copy[first] = replaced(copy[first], tuple(rest), value)
    return copy


def spoilt(body: Json, values: SearchStrategy[Json] = values) -> SearchStrategy[Json]:
    """The body with a hostile value in one of its places."""
    return st.tuples(st.sampled_from(places(body)), values).map(lambda drawn: replaced(body, *drawn))


def samples[T](strategy: SearchStrategy[T], seed: Hashable, count: int) -> list[T]:
    """At most so many different values; the same for the same seed."""
    found: list[T] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: T) -> None:
        found.append(value)

    collect()
    return found
