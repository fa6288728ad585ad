"""The networks that the operator offers, and what a picture costs with each."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from .engine import InvalidOption, ModelUnavailable
from .engine.networks import catalog, session


@dataclass(frozen=True, slots=True)
class Offer:
    """A network on offer. factor: of a picture's price. suits: remove.bg's types it is made for."""

    name: str
    title: str
    factor: Decimal
    suits: tuple[str, ...] = ()

    @property
    def factor_text(self) -> str:
        """Without zeros that say nothing: "2.5", "1"."""
        return f"{self.factor.normalize():f}"


def offers() -> tuple[Offer, ...]:
    """As REMOVAL_MODELS lists them, the default first. Raises ModelUnavailable."""
    return tuple(map(_offer, session.Settings.from_environment().offered))


def choice() -> tuple[Offer, ...]:
    """The offers to show people; none where there is only one, or the settings are wrong, which
    /readyz tells."""
    try:
        offered = offers()
    except ModelUnavailable:
        return ()
    return offered if len(offered) > 1 else ()


def chosen(model: str) -> Offer:
    """The offer of that name; the default's where it is "". Raises InvalidOption."""
    offered = offers()
    if not model:
        return offered[0]
    for offer in offered:
        if offer.name == model:
            return offer
    raise InvalidOption("model", model, ", ".join(offer.name for offer in offered))


def still(model: str) -> str:
    """The same name; "", the default, where it is no longer on offer."""
    return model if any(offer.name == model for offer in choice()) else ""


def suiting(kind: str) -> str:
    """The name of the first network on offer that is made for this type; "" if there is none."""
    return next((offer.name for offer in offers() if kind in offer.suits), "")


def _offer(name: str) -> Offer:
    factor = settings.CREDITS_MODEL_FACTORS.get(name, Decimal(1))
    if name == session.OWN:
        return Offer(name, name, factor)
    model = catalog.MODELS[name]
    return Offer(name, model.title, factor, model.suits)
