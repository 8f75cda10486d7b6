"""Post-training quantisation: which values the tensors take on images, and the Q/DQ nodes that follow from it."""
