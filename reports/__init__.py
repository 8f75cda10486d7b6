"""Report templates, as package data of `safecheck.reports`."""
