"""What all pages share: templates, the layout of pictures, the verdict bar."""
