"""Where safecheck runs: configuration, kept verdicts, and which models use a weight file."""
