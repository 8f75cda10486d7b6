"""Does the network that the vendor's parser made compute the same as the file? Both are run, in a process of its own.

The parser's layers come as a description (`network`), each kind of layer has its documented meaning as one small
function (`meanings`), and the file's own values are those of onnxruntime (`original`).
"""
