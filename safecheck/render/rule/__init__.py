"""One rule as text."""
