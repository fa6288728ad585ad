"""The billing app: prices, balances, the ledger and purchases."""

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate, post_save
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Billing")

    def ready(self) -> None:
        from allauth.account.signals import email_confirmed, user_signed_up

        from accounts.signals import account_closed

        from .append_only import install_triggers
        from .receivers import forget_payer, make_groups, open_account, welcome, welcome_confirmed

        # After every migrate, not in one migration: SQLite silently drops a table's triggers
        # whenever a later migration rebuilds the table.
        post_migrate.connect(install_triggers, sender=self)
        post_migrate.connect(make_groups)
        post_save.connect(open_account, sender=settings.AUTH_USER_MODEL)
        email_confirmed.connect(welcome)
        user_signed_up.connect(welcome_confirmed)
        account_closed.connect(forget_payer)
