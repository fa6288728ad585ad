"""The API documentation: its pages, and the tables that they show."""
