"""The API documentation: its pages and their tables."""
