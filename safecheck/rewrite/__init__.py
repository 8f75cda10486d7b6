"""The rewriter: a graph that can be changed, rules that offer replacements, proofs, and the driver that chooses."""
