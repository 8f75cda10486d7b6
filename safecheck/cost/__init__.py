"""What a network costs, from its signatures alone, and what others have published or measured about it."""
