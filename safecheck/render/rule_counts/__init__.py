"""How many rules there are of each verdict and grade, as text and JSON."""
