"""Similarity of submissions: evidence for a person, never a verdict. It changes no points."""
