"""Whether the sentence on a mutant names its cause: by the words that a sentence has for the mistakes of an operator.

A word for another operator's mistakes counts as wrong, unless the two often come to the same numbers: a term that is
missing may be a factor.

Counted are mistakes that a TA could name from the numbers: those of an operator whose change has a name in the field.
Left out are the others: a constant that is one too large (GENERAL), a shape that is special (SPECIAL), and code that
raises, where Python's own words and its line are what a TA would read.
"""

from __future__ import annotations

import re

from grader.selftest.answers import CAST, DAMAGE, SPECIAL, STALE
from grader.selftest.edits import AXIS, FACTOR, GENERAL, KINK, LABEL, MISSING, SIGN, WRONG
from grader.selftest.mutants import Mutant

NAMELESS = (GENERAL, SPECIAL)
RAISED = re.compile(r"^\S+ raised \w+")
WORDS = {
    AXIS: r"transpose|keepdims|\baxis\b|rows and columns|has shape|wrong places|every row, where"
          r"|one maximum|row is off|core dimension|broadcast|in every row|of each row|per row|every column;",
    SIGN: r"\bsigns?\b|subtracted|absolute value|\|x\|",
    FACTOR: r"\bratio\b|times what is expected|averaged|divided|counted twice|multiplied|log10|log2"
            r"|standard deviation|used instead of|all about|factor",
    MISSING: r"missing|left out|not added|not subtracted|\bis 0\b|it is 0|nothing is set|\balone\b|ignored"
             r"|no gradient for|unmasked|off by the same|not implemented|is regularized"
             r"|subtract (each row's|the) maximum",
    KINK: r"\bmask|ReLU|unmasked|set to zero|set to 0|slope|negative|cut there|cut at|threshold|for every y"
          r"|bias is regularized",
    LABEL: r"wrong places|right class|out of bounds|next class|class before|for every y",
    CAST: r"float32|integers|whole numbers|approximation|small constant|array of numbers|not normally|rounded",
    STALE: r"latest|later forward|later call|earlier call|(answer|labels) kept|other numbers|asked again"
           r"|of another network|\bshare\b|not live|repeat others",
    DAMAGE: r"in place\b(?! of)|asked again|not live",
    WRONG: r"the order|exchanged|it is \w+:|by the number of classes|is it multiplied by|takes? \d|has no attribute|"
           r"transposed|in the place of",
}  # fmt: skip
# What is said of a place, or as Python or numpy says it, blames nothing.
FACTS = re.compile(
    r"raised .*|has shape.*|for the right class"
    r"|(of the later forward|of another network|, asked again|other numbers)"
    r"|is (not live|a copy).*|have standard deviation.*|is (infinite|NaN).*|all others are right|repeat others.*"
)
# What another operator's mistakes may come to: the numbers are the same, and so are the words.
NEAR = {
    AXIS: (FACTOR, MISSING, WRONG),
    SIGN: (MISSING, KINK),
    FACTOR: (MISSING, CAST, SIGN, WRONG, KINK),
    MISSING: (FACTOR, SIGN, KINK, AXIS),
    KINK: (MISSING, SIGN, CAST),
    LABEL: (AXIS, MISSING, SIGN),
    CAST: (MISSING,),
    STALE: (DAMAGE, FACTOR, MISSING, AXIS),
    DAMAGE: (STALE, FACTOR),
    WRONG: (AXIS, SIGN, FACTOR, MISSING, KINK, STALE),
}


def cause(mutant: Mutant, message: str) -> str:
    """ "right", "wrong" or "not"; "" if nothing was said, or if a TA could not name the mistake."""
    if not message or mutant.operator in NAMELESS or RAISED.match(message):
        return ""
    if named(message) & {mutant.operator, *NEAR.get(mutant.operator, ())}:
        return "right"
    return "wrong" if named(FACTS.sub("", message)) else "not"


def named(message: str) -> set[str]:
    """The operators for whose mistakes a sentence has words."""
    return {operator for operator, words in WORDS.items() if re.search(words, message)}
