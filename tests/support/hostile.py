"""Expressions and texts that mean to take for ever, or all memory there is. `long` is a text of 5,000 characters."""

_CHARACTERS = "split(long, '')"
EXPRESSIONS = {
    "squared loops": f"{_CHARACTERS}.all(a, {_CHARACTERS}.all(b, a == b))",
    "long loops": f"{_CHARACTERS}.map(a, {_CHARACTERS}).size() > 0",
    "growing texts": "[1, 2].map(a, " + " + ".join(["long"] * 25) + ").map(b, " + " + ".join(["b"] * 25) + ")",
    "texts in loops": f"{_CHARACTERS}.map(a, long + long)",
    "growing lists": f"[{_CHARACTERS}].map(a, a + a + a + a + a + a).map(b, b + b + b + b + b + b + b)",
    "joining": f"join({_CHARACTERS}, long)",
    "patterns": f"{_CHARACTERS}.all(a, a.matches('(a|aa)+(.*a){{200}}b'))",
    "searching": f"{_CHARACTERS}.all(a, long.contains(long + 'b'))",
    "functions": f"{_CHARACTERS}.all(a, money(1) == '')",
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
