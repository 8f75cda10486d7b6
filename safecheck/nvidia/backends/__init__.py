"""What of NVIDIA's can be on a machine and answer: an executable trtexec, the package tensorrt, the GPU-less check."""
