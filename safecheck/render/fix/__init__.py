"""What `fix` did, as text and JSON."""
