"""One strict reader for every file that people write, YAML and TOML, and where the shipped ones are."""
