"""What a release signs: reports repeated, evidence bundled, and verdicts in a ledger that nobody can rewrite unseen."""
