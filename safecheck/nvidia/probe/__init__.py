"""Ask the user's own TensorRT about what the rules leave open, form by form, and keep the answers as rules."""
