"""What several rewrites need: kernels, planes, curves and bounds as arrays and numbers."""
