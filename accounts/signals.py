"""What other apps may listen to."""

from django.dispatch import Signal

# Sent with `user` inside the transaction that deletes it: listeners remove what they know of it.
account_closed = Signal()
