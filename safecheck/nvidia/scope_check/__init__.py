"""The vendor's own scope check, asked without a GPU in a process of its own (extra `oracle`)."""
