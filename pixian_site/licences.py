"""What the networks in use allow: one truth for /readyz, the pages and the start's hints."""

from collections.abc import Sequence

from removal.engine import ModelUnavailable
from removal.engine.networks import session
from removal.engine.networks.catalog import MODELS, Model
from removal.engine.networks.recipes import LicenceClass


def in_use() -> LicenceClass:
    """The strictest licence among the networks that the settings run."""
    try:
        return session.licence(session.Settings.from_environment())
    except ModelUnavailable:
        return "unknown"  # /readyz tells the reason


def networks_in_use() -> Sequence[Model]:
    """The rows of the catalogue that the settings run; none where it is the operator's own file."""
    try:
        needed = session.models_needed(session.Settings.from_environment())
    except ModelUnavailable:
        return ()
    return [MODELS[name] for name in needed]
