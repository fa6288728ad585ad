"""The product: photos in, cut-outs out."""

from django.apps import AppConfig


class RemovalConfig(AppConfig):
    name = "removal"
