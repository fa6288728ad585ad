"""Background threads that process items for as long as the process lives."""

import logging
import threading
from collections.abc import Callable

from django.db import close_old_connections

from removal.failures import translate

log = logging.getLogger(__name__)
IDLE_SECONDS = 1.0


def start(name: str, step: Callable[[], bool]) -> None:
    """Call `step` repeatedly in a thread of that name, without a pause while it finds work."""
    threading.Thread(target=_forever, args=(name, step), name=name, daemon=True).start()


def _forever(name: str, step: Callable[[], bool]) -> None:
    pause = threading.Event()
    while True:
        try:
            close_old_connections()
            if step():
                continue
        except Exception as error:
            if translate(error) is None:
                log.exception("The thread %s met an error and continues", name)
        pause.wait(IDLE_SECONDS)
