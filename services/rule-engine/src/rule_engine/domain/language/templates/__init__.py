"""Authors' texts: Liquid templates, bounded so that a hostile one ends early, and filters in the tenant's language.

Parsing and rendering spend the budget of the decision under way: every insertion and tag with its words, every node of
a loop's template per iteration, every character read, filtered or assigned. Ranges, partials and filters that are
quadratic do not exist here, so the budget bounds time and memory.
"""

from rule_engine.domain.language.templates.analysis import Text
from rule_engine.domain.language.templates.rendering import parse, render

__all__ = ["Text", "parse", "render"]
