"""How hard a sentence is to read."""

from __future__ import annotations

import re

GRADE = 9  # school years that a reader may need


def syllables(word: str) -> int:
    """Those of an English word, by its groups of vowels; an identifier and a number are one."""
    if not word.isalpha() or word.upper() == word or re.search("[a-z][A-Z]", word):
        return 1
    return max(1, len(re.findall("[aeiouy]+", word.lower() if word.endswith("le") else word.lower().removesuffix("e"))))


def reading_grade(sentence: str) -> float:
    """Flesch and Kincaid's: school years that a reader needs. Shapes and places are no words."""
    text = re.sub(r"\[[^\]]*\]|\([\d, ]*\)", " ", sentence)
    clauses = [one for one in re.split(r"[.?!:;](?:\s|$)|[()]", text) if re.search("[A-Za-z]", one)]
    spoken = [one for one in (part.strip(",;:()?.'") for part in text.split()) if re.search(r"\w", one)]
    return 0.39 * len(spoken) / max(1, len(clauses)) + 11.8 * sum(map(syllables, spoken)) / len(spoken) - 15.59
