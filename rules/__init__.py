"""The rule files, as package data of `safecheck.rules`."""
