"""The product: photos in, cut-outs out."""

from django.apps import AppConfig
from django.db.models.signals import post_delete


class RemovalConfig(AppConfig):
    name = "removal"

    def ready(self) -> None:
        from . import idempotency, kept
        from .models import KeptPicture, KeyedRequest

        post_delete.connect(idempotency.delete_file, sender=KeyedRequest)
        post_delete.connect(kept.delete_files, sender=KeptPicture)
