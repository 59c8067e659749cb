"""Expressions and texts that mean to take for ever, or all memory there is. `long` is a text of 5,000 characters."""

_CHARACTERS = "split(long, '')"
EXPRESSIONS = {
    "squared loops": f"{_CHARACTERS}.all(a, {_CHARACTERS}.all(b, a == b))",
    "long loops": f"{_CHARACTERS}.map(a, {_CHARACTERS}).size() > 0",
    "growing texts": "[1, 2].map(a, " + " + ".join(["long"] * 25) + ").map(b, " + " + ".join(["b"] * 25) + ")",
    "texts in loops": f"{_CHARACTERS}.map(a, long + long)",
    "growing lists": f"[{_CHARACTERS}].map(a, a + a + a + a + a + a).map(b, b + b + b + b + b + b + b)",
    "joining": f"join({_CHARACTERS}, long)",
    "patterns": f"{_CHARACTERS}.exists(a, a.matches('(a|aa)+(.*a){{200}}b'))",
    "searching": f"{_CHARACTERS}.exists(a, long.contains(long + 'b'))",
    "functions": f"{_CHARACTERS}.exists(a, money(1) == '')",
    "working days": "[1, 2, 3].map(a, addworkdays(today, 100000))",
    "mappings": f"{_CHARACTERS}.map(a, {{'a': a, 'b': a}}).size()",
    "lists": f"{_CHARACTERS}.map(a, [a, a, a, a]).size()",
    "printing": f"printable({_CHARACTERS})",
    "padding": f"{_CHARACTERS}.map(a, number_format(1, 12)).join(long)",
}

_LETTERS = "{% assign list = long | split: '' %}"
TEXTS = {
    "doubling": "{% assign a = 'aaaaaaaa' %}" + "{% assign a = a | append: a %}" * 60,
    "replacing": "{{ long | replace: '', long }}",
    "joining": _LETTERS + "{{ list | join: long }}",
    "loops": _LETTERS
    + "{% for a in list %}{% for b in list %}{% for c in list %}x{% endfor %}{% endfor %}{% endfor %}",
    "silent loops": _LETTERS + "{% for a in list %}{% for b in list %}{% endfor %}{% endfor %}",
    "searching loops": _LETTERS
    + "{% for a in list %}{% for b in list %}{% if long contains 'ab' %}{% endif %}{% endfor %}{% endfor %}",
    "sorting loops": _LETTERS + "{% for a in list %}" + "{% assign x = list | sort | reverse %}" * 20 + "{% endfor %}",
    "printing": "{{ long }}" * 100,
    "capturing": _LETTERS + "{% for a in list %}{% capture b %}{{ b }}{{ long }}{% endcapture %}{% endfor %}",
    "growing lists": _LETTERS + "{% assign list = list | concat: list %}" * 40,
    "growing numbers": "{% assign n = 9 %}" + "{% assign n = n | times: n %}" * 100,
    "endless numbers": "{{ '1e1000000000' | times: 9 | round }}",
    "endless range": "{% for i in (1..1000000000) %}x{% endfor %}",
    "hidden range": "{% assign r = (1..1000000000) %}{{ r | join }}",
    "nested blocks": "{% if 1 %}" * 5000,
    "nested brackets": "{{ a" + "[a" * 900 + "]" * 900 + " }}",
    "open braces": "{{" * 25_000,
    "open tags": "{%" * 25_000,
    "open raw": "{% raw %}" * 5000,
    "open comments": "{% comment %}" * 3800,
    "blanks": ("{{" + " " * 1900 + "}}") * 25,
    "blanks without end": "{{ a" + " " * 45_000,
    "many conditions": "{% if " + "1 and " * 8000 + "1 %}{% endif %}",
    "printing money": _LETTERS + "{% for a in list %}{{ item.amount | money }}{% endfor %}",
    "printing dates": _LETTERS + "{% for a in list %}{{ now | date_format: 'full' }}{% endfor %}",
    "working days": _LETTERS + "{% for a in list %}{{ today | addworkdays: 20000 }}{% endfor %}",
    "working hours": _LETTERS + "{% for a in list %}{{ now | addworkhours: 20000 }}{% endfor %}",
    "merging": _LETTERS + "{% for a in list %}{% assign list = list | merge: list %}{% endfor %}",
    "shuffling": _LETTERS + "{% for a in list %}{% assign list = list | shuffle %}{% endfor %}",
    "patterns": ("{{ now | date_format: '" + "EEEE" * 26 + "' }}") * 300,
    "length": "x" * 60_000 + "{{ item.title }}",
}


_NESTED = "{% for a in many %}{% for b in many %}"
_ENDS = "{% endfor %}{% endfor %}"
DEAREST_TEXTS = {
    "paths": _NESTED + "{{ item.title }}{{ rows[0].money.currency }}" + _ENDS,
    "filters": _NESTED + "{{ b | upcase | downcase | append: 'x' | strip }}" + _ENDS,
    "numbers": _NESTED + "{{ 5 | plus: 3 | times: 2 | minus: 1 | divided_by: 7 }}" + _ENDS,
    "captures": _NESTED + "{% capture c %}{{ forloop.index }}{% endcapture %}{{ many[44] }}" + _ENDS,
    "money": _NESTED + "{% assign x = 1234.5 | money %}" + _ENDS,
    "dates": _NESTED + "{% assign x = now | date_format: 'full' %}" + _ENDS,
    "objects": "{% assign x = rows | upcase %}" * 50,
    "tags": "{% if today == 1 and now == 2 %}x{% endif %}" * 150,
}
"""Texts that spend a whole budget, at the most time for a unit. `many` are 200 texts, `rows` 500 objects, `days` 200
moments, `text` has 10,000 characters.
"""
DEAREST_EXPRESSIONS = {
    "many": [f"item.title + '{n}'" for n in range(400)],
    "objects": [f"rows.map(a, a).size() + {n}" for n in range(20)],
    "filters": [f"rows.filter(a, a.number > {n}).map(a, a.text).join(', ')" for n in range(10)],
    "money": [f"rows.map(a, money(a.money)).size() + {n}" for n in range(10)],
}
"""Expressions that together spend a whole budget."""


def _leaf(path: str, op: str, value: object) -> dict[str, object]:
    return {"path": path, "op": op, "value": value}


DEAREST_CONDITIONS = {
    "pairs": {"some": "rows", "where": {"some": "rows", "where": _leaf("each.number", "gt", 1000)}},
    "groups": {"some": "rows", "where": {"all": [{"not": {"not": _leaf("each.number", "eq", 1)}}] * 30}},
    "times": {"some": "rows", "where": {"all": [_leaf("each.at", "during", {"period": "this_month"})] * 20}},
    "values": {"all": [_leaf("many", "contains_any", [f"v{n}" for n in range(1000)])] * 15},
    "moments": {"all": [_leaf("days", "contains_any", [f"2025-01-{n % 28 + 1:02}" for n in range(1000)])] * 15},
    "patterns": {"all": [_leaf("text", "matches", f"(x|xx)+(.*x){{{n + 2}}}y") for n in range(6)]},
    "expressions": {"some": "rows", "where": {"expr": "each.number > 1000"}},
}
"""Conditions that spend a whole budget."""


def values_for_the_dearest() -> dict[str, object]:
    rows = [
        {
            "number": n,
            "text": f"row {n}",
            "money": {"amount": n, "currency": "EUR"},
            "at": f"2026-01-01T10:00:{n % 60:02}Z",
        }
        for n in range(500)
    ]
    days = [f"2026-01-{n % 28 + 1:02}T10:00:00Z" for n in range(200)]
    return {"many": [f"x{n}" for n in range(200)], "rows": rows, "days": days, "text": "x" * 10_000}
