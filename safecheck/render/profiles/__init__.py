"""The targets that are shipped."""
