"""The accounts app: users and API keys."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from allauth.mfa.signals import authenticator_added
        from allauth.socialaccount.models import SocialAccount
        from django.contrib.auth.signals import user_logged_in
        from django.db.models.signals import pre_save

        from .receivers import keep_the_address_alone, remember_language, trust_this_session_alone

        user_logged_in.connect(remember_language)
        pre_save.connect(keep_the_address_alone, sender=SocialAccount)
        authenticator_added.connect(trust_this_session_alone)
