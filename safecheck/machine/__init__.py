"""What runs and writes on this machine: programs within limits, files written whole, and nothing left behind."""
