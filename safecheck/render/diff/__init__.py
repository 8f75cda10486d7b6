"""The difference of two audits as text and JSON."""
