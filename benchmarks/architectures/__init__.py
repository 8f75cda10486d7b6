"""Networks that driving teams use, small and with random weights: what is left of one depends on its structure alone.

Every module here has `NETWORKS`: name -> a function that makes (module, example input). Widths are the published ones
where that is cheap, depths are cut to one or two blocks of each kind.
"""
