"""What is claimed about a model, in the forms that other tools sign, store and check."""
