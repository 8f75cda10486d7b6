"""What models cost and what others have published or measured about them; nothing is run here."""
