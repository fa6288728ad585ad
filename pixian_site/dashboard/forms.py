"""Forms of the dashboard."""

from datetime import timedelta
from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey


class KeyLimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """The editable fields of a key."""

    class Meta:
        model = ApiKey
        fields: ClassVar[list[str]] = ["label", "monthly_limit"]
        labels: ClassVar = {"monthly_limit": _("Credits a month, at most")}


class ApiKeyForm(KeyLimitForm):
    """A new key."""

    class Meta(KeyLimitForm.Meta):
        fields: ClassVar[list[str]] = ["label", "monthly_limit", "test_only"]


class RotateForm(forms.Form):
    """A replacement key, and how long the old one stays valid."""

    HOURS: ClassVar = [
        ("0", _("ends at once")),
        ("24", _("stays valid for a day")),
        ("168", _("stays valid for a week")),
    ]
    INITIAL: ClassVar = "24"
    hours = forms.ChoiceField(label=_("The old key"), choices=HOURS, initial=INITIAL)

    def overlap(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["hours"]))


class WebhookSecretForm(RotateForm):
    """A new webhook secret, and how long the old one stays valid."""

    hours = forms.ChoiceField(
        label=_("The old secret"), choices=RotateForm.HOURS, initial=RotateForm.INITIAL
    )


class LowBalanceForm(forms.Form):
    """The threshold for the low-balance mail."""

    threshold = forms.DecimalField(
        label=_("Mail me when fewer credits than this are left (empty: no mail)"),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=3,
    )
