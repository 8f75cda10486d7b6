"""Does a replacement do what it claims? Shown by running both sides in onnxruntime."""
