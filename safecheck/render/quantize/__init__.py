"""What `quantize` did, as text and JSON."""
