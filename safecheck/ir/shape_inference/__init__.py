"""ONNX's shape inference, and what it leaves open: loops, values that shapes are computed from."""
