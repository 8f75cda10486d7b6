"""The model as values: its graph, what is known about every tensor, and the signature of every node."""
