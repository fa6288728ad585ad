"""Measurements of time, memory and quality. They print tables and assert nothing about time."""
