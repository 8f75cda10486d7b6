"""The allowlist: rules with sources and grades, collected into profiles, one per target."""
