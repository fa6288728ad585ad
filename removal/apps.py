"""The removal app: API, page, batches and the imaging engine."""

from django.apps import AppConfig
from django.db.models.signals import post_delete
from django.utils.translation import gettext_lazy as _


class RemovalConfig(AppConfig):
    name = "removal"
    verbose_name = _("Removals")

    def ready(self) -> None:
        from accounts.signals import account_closed

        from . import idempotency, receivers
        from .batches import register
        from .models import BatchPicture, KeptPicture, KeyedRequest
        from .page import kept

        post_delete.connect(idempotency.delete_file, sender=KeyedRequest)
        post_delete.connect(kept.delete_files, sender=KeptPicture)
        post_delete.connect(register.delete_files, sender=BatchPicture)
        account_closed.connect(receivers.forget_messages)
