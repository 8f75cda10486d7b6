"""NVIDIA's own software, run in a process of its own: plan a build, carry it out, read its log, keep the evidence."""
