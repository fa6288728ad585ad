"""Signals for other apps."""

from django.dispatch import Signal

# Sent with `user` inside the transaction that deletes it: receivers remove their data of the user.
account_closed = Signal()
