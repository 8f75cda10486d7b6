"""The rules in force as text and JSON."""
