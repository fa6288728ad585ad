"""`python -m removal.engine.weights`: fetch and build what the settings need, showing progress."""

import sys

from .errors import ModelUnavailable
from .networks import session
from .networks.weights import ensure_models, models_dir
from .networks.weights.progress import show_progress


def main() -> int:
    try:
        needed = session.models_needed(session.Settings.from_environment())
        ensure_models(needed, show_progress(sys.stderr))
    except ModelUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The weights are ready in {models_dir()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
