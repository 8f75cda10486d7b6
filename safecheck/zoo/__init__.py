"""Reference models: our own CSA and the three baselines it is compared with, and how they become ONNX files.

`catalogue` says what there is and needs no library; everything else needs the extra `zoo`.
"""
