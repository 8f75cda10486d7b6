"""The configuration of a repository: where it is found, what it may say, and where each value came from."""
