"""Input of the account pages."""

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .models import User


class SignupForm(forms.Form):
    """What signing up asks beside address and password: consent, where there are terms."""

    field_order = ("email", "password1", "terms")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if settings.TERMS_URL:
            label = format_html(
                _('I have read and accept the <a href="{}">terms</a>.'), settings.TERMS_URL
            )
            self.fields["terms"] = forms.BooleanField(label=label, label_suffix="")

    def signup(self, request: HttpRequest, user: User) -> None:
        user.language = get_language() or "en"
        if self.cleaned_data.get("terms"):
            user.terms_accepted_at = timezone.now()
        user.save(update_fields=["language", "terms_accepted_at"])
