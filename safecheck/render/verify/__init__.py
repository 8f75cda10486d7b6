"""A report held against its repetition, as text and JSON."""
