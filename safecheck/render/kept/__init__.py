"""What earlier runs said, in the formats that are kept."""
