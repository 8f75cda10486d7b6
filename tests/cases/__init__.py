"""The cases of the rules, as package data of `safecheck.cases`."""
