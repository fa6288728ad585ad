"""Users, who log in by email, and the API keys of their programs."""

from decimal import Decimal
from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("An account needs an email address.")
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        user.confirm_email()
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(_("email address"), unique=True)
    is_staff = models.BooleanField(
        _("staff"), default=False, help_text=_("May enter the administration.")
    )
    is_active = models.BooleanField(_("active"), default=True, help_text=_("May log in."))
    date_joined = models.DateTimeField(_("joined"), default=timezone.now, editable=False)
    suspended_at = models.DateTimeField(
        _("suspended"),
        null=True,
        blank=True,
        help_text=_("Since then every API key of the account is refused."),
    )

    terms_accepted_at = models.DateTimeField(_("terms accepted"), null=True, editable=False)
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=settings.LANGUAGES,
        default="en",
        help_text=_("Mail is written in it: the language of the last log-in."),
    )

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # With the plain unique index this makes addresses unique regardless of case.
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"
            )
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        self.email = self.email.lower()
        super().clean()

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        super().save(*args, **kwargs)

    def confirm_email(self) -> None:
        """Mark the address as confirmed, for accounts created by the operator."""
        EmailAddress.objects.update_or_create(
            user=self, email=self.email, defaults={"verified": True, "primary": True}
        )

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None or not self.is_active


class ApiKey(models.Model):
    user = models.ForeignKey(
        User, verbose_name=_("user"), on_delete=models.CASCADE, related_name="api_keys"
    )
    public_id = models.CharField(_("API Id"), max_length=32, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    label = models.CharField(_("label"), max_length=100, blank=True)
    test_only = models.BooleanField(
        _("test only"), default=False, help_text=_("Every request is a free, watermarked test.")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(
        _("revoked"), null=True, blank=True, help_text=_("May lie ahead: the key works until then.")
    )
    monthly_limit = models.DecimalField(
        _("credits a month"),
        max_digits=12,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.001"))],
        help_text=_("The key is charged no more than this in a calendar month; empty: no limit."),
    )

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.public_id} ({self.label})" if self.label else self.public_id

    @property
    def is_revoked(self) -> bool:
        return self.revoked_at is not None and self.revoked_at <= timezone.now()


class WebhookSecret(models.Model):
    """A secret that signs a key's webhooks, encrypted; see accounts/webhook_secrets.py."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="webhook_secrets")
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ends_at = models.DateTimeField(null=True, editable=False)  # null: the current one

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key"],
                condition=models.Q(ends_at=None),
                name="accounts_one_current_webhook_secret",
            )
        ]

    def __str__(self) -> str:
        return f"of {self.api_key_id}"


class DataKey(models.Model):
    """A random key, encrypted: hashes made with it stay valid when SECRET_KEY changes."""

    name = models.CharField(max_length=20, unique=True, editable=False)
    sealed = models.TextField(editable=False)

    def __str__(self) -> str:
        return self.name


class KnownMailbox(models.Model):
    """A mailbox that was given signup credits, as a keyed hash (accounts/addresses.py).

    It outlives the account: otherwise closing one and signing up again would earn new credits.
    """

    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.digest[:8]
