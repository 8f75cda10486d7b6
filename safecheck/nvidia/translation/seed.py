"""Of the samples: the same inputs every time."""

SEED = 20_260_114
