"""One of several processes that share places: does what stdin says, tells on stdout.

admit ACCOUNT [KEY] [pays]   prints "admitted" or "refused"
work [first]  waits in line for a place, prints "working" or "too late"
done          gives up the place and what was admitted
rush N FILE   N threads admit and work at once; FILE gets a line + or - at each begin and end
"""

import os
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import django


def main() -> None:
    from removal import capacity

    shared = capacity.shared()
    print("ready", flush=True)
    with ExitStack() as held:
        for line in sys.stdin:
            print(obey(shared, held, *line.split()), flush=True)


def obey(shared, held, command, *arguments) -> str:
    from removal.errors import SlowDown, StartedTooLate

    try:
        if command == "admit":
            held.enter_context(shared.admit(claimant(*arguments)))
            return "admitted"
        if command == "work":
            held.enter_context(shared.slot(lambda: False, goes_first=arguments == ("first",)))
            return "working"
        if command == "done":
            held.close()
            return "done"
        return rush(shared, int(arguments[0]), Path(arguments[1]))
    except SlowDown:
        return "refused"
    except StartedTooLate:
        return "too late"


def claimant(account: str, key: str = "", pays: str = ""):
    from removal import capacity

    return capacity.Claimant(account, key, bool(pays))


def rush(shared, threads: int, journal: Path) -> str:
    running = [
        threading.Thread(target=_work_often, args=(shared, str(number), journal))
        for number in range(threads)
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return "rushed"


def _work_often(shared, owner: str, journal: Path) -> None:
    from django.db import connection

    from removal.errors import SlowDown

    for _ in range(10):
        with suppress(SlowDown), shared.admit(claimant(owner)):
            _write(journal, "admitted +")
            with shared.slot(lambda: False):
                _write(journal, "working +")
                _write(journal, "working -")
            _write(journal, "admitted -")
    connection.close()


def _write(journal: Path, line: str) -> None:
    """Lines of all processes, in the order in which they were written: appending is one step."""
    descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pixian_site.settings")
    django.setup()
    main()
