"""manage.py reencrypt_second_factors: the former name of reencrypt_secrets."""

from .reencrypt_secrets import Command

__all__ = ["Command"]
