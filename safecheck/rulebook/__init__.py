"""What is allowed, and by whose word: facts, lowering to layers, rules with sources and grades, profiles, the judge."""
