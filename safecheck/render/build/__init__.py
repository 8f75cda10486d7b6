"""The answer of a builder as text."""
