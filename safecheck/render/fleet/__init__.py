"""Many models under several targets: one page and one table."""
