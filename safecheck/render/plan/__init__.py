"""A build plan as text and JSON."""
