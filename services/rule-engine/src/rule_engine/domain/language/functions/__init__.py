"""The functions of authors: the same names and meanings as Liquid filters and in expressions.

`{{ item.created_at | dateadd: '2 days' }}` is `dateadd(item.created_at, '2 days')`. Values are JSON: a day is
`2026-03-02`, a moment RFC 3339, money `{amount, currency}` in minor units. What is empty stays empty. Functions are
pure: what they need beside their arguments (the tenant's language, zone and calendar, the time, a source of chance that
is the same for the same decision) is in `surroundings`.
"""

from rule_engine.domain.language.functions import lists, numbers, printing, strings, times
from rule_engine.domain.language.functions.registry import FUNCTIONS, MOST, Function, weight
from rule_engine.domain.language.functions.surroundings import inside

__all__ = ["FUNCTIONS", "MOST", "Function", "inside", "lists", "numbers", "printing", "strings", "times", "weight"]
