"""Input of the owner's pages."""

from datetime import timedelta
from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey


class KeyLimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """What can be changed of a key."""

    class Meta:
        model = ApiKey
        fields: ClassVar[list[str]] = ["label", "monthly_limit"]
        labels: ClassVar = {"monthly_limit": _("Credits a month, at most")}


class ApiKeyForm(KeyLimitForm):
    """A new key."""

    class Meta(KeyLimitForm.Meta):
        fields: ClassVar[list[str]] = ["label", "monthly_limit", "test_only"]


class RotateForm(forms.Form):
    """A replacement key; how long the old one goes on."""

    HOURS: ClassVar = [
        ("0", _("ends at once")),
        ("24", _("goes on for a day")),
        ("168", _("goes on for a week")),
    ]
    INITIAL: ClassVar = "24"
    hours = forms.ChoiceField(label=_("The old key"), choices=HOURS, initial=INITIAL)

    def overlap(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["hours"]))


class WebhookSecretForm(RotateForm):
    """A new webhook secret; how long the old one signs on."""

    hours = forms.ChoiceField(
        label=_("The old secret"), choices=RotateForm.HOURS, initial=RotateForm.INITIAL
    )


class LowBalanceForm(forms.Form):
    """When to write to the owner."""

    threshold = forms.DecimalField(
        label=_("Mail me when fewer credits than this are left (empty: no mail)"),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=3,
    )
