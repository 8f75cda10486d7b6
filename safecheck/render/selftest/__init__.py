"""What the cases of every rule gave here, as text and JSON."""
