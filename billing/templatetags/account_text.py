"""Template filters that format credits."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format

from billing.models import CreditPack

register = template.Library()


@register.filter
def credits(amount: Decimal) -> str:  # noqa: A001 - the filter's name in templates
    """Without trailing zeros: `100`, `0.154`."""
    places = 0 if amount == amount.to_integral_value() else 3
    return str(number_format(amount, places, use_l10n=True, force_grouping=True))


@register.filter
def pictures(pack: CreditPack, per_picture: Decimal) -> str:
    """The number of pictures at that price that a pack pays for."""
    return str(number_format(pack.credits // per_picture, 0, use_l10n=True, force_grouping=True))
