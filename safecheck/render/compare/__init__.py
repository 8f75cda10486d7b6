"""The comparison of several models as text, JSON, Markdown and HTML, and its charts."""
