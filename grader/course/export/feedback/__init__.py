"""Feedback as a platform's own import takes it: a module per platform."""
