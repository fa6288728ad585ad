"""One side of a comparison, in a process of its own: `worker.py ours|rembg`.

Reads paths of pictures from stdin, a line each; cuts each out, bytes to bytes, and answers with
`SECONDS PEAK_KIB` once the PNG is made. Runs in either environment, so it imports nothing of ours
before it knows that it is to.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def ours() -> Callable[[bytes], bytes]:
    from removal.engine import remove_background
    from removal.engine.networks import session

    session.warm()
    return lambda data: remove_background(data).content


def rembg() -> Callable[[bytes], bytes]:
    """The weights are found by name under U2NET_HOME."""
    from rembg import new_session, remove

    model = new_session("isnet-general-use")
    return lambda data: remove(data, session=model)


def main() -> None:
    cut_out = {"ours": ours, "rembg": rembg}[sys.argv[1]]()
    print("ready", flush=True)
    for line in sys.stdin:
        data = Path(line.strip()).read_bytes()
        started = time.perf_counter()
        cut_out(data)
        elapsed = time.perf_counter() - started
        print(elapsed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


if __name__ == "__main__":
    main()
