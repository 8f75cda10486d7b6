"""Bring a model into the form that rewrites work on: constants folded, fixed control flow inlined, copies gone.

Every step keeps what the network computes, bit for bit, and is reported.
"""
