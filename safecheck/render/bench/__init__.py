"""Measurements as text and JSON."""
