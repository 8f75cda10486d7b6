"""What an installation of safecheck consists of."""
