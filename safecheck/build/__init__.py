"""Ask the real builder: plan a build, have TensorRT or trtexec carry it out, read its log, keep the evidence."""
