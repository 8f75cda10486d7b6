"""How fast and how accurate a model is, measured on this machine: nothing here is estimated."""
