"""What is written about one model: its graph as a page to walk through."""
