"""The page that opens a bundle of evidence."""
