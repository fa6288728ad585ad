"""Forms of the billing pages."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from . import ledger

MAX_PIXELS = 25_000_000


class CalculatorForm(forms.Form):
    """The size of a picture, to calculate its price."""

    width = forms.IntegerField(label=_("Width"), min_value=1, max_value=100_000, initial=1920)
    height = forms.IntegerField(label=_("Height"), min_value=1, max_value=100_000, initial=1080)

    def credits(self) -> Decimal | None:
        """None for an invalid size."""
        if not self.is_bound:
            size = self["width"].initial, self["height"].initial
        elif self.is_valid():
            size = self.cleaned_data["width"], self.cleaned_data["height"]
        else:
            return None
        return ledger.price_of(min(size[0] * size[1], MAX_PIXELS))
