"""From an ONNX node to the TensorRT layers that the parser of one release adds for it."""
