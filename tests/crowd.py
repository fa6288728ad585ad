"""Takes every place and all of the line, so that whoever asks next is turned away."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from removal import capacity


@contextmanager
def full_house() -> Iterator[ExitStack]:
    """By paying callers, each with one request; closing what is handed out sends them home."""
    shared = capacity.shared()
    with ExitStack() as others:
        for number in range(shared.limits.slots + shared.limits.queue_length):
            claimant = capacity.Claimant(f"other {number}", pays=True)
            others.enter_context(shared.admit(claimant))
        yield others
