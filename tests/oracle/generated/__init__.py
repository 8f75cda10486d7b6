"""Random ONNX models of every operator, driven by onnx's own schemas; each is made from one integer."""
