"""Verdicts that were reached before, kept by the content they were reached from."""
