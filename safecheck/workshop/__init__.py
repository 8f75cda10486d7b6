"""An ONNX model that can be changed: nodes, weights and types, and the pieces that replace other pieces."""
