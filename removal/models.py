"""Database models of requests, results and batches; never pictures or the query of a URL."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Removal(models.Model):
    """One request and its outcome, for the usage page and the admin."""

    class Via(models.TextChoices):
        API = "api", _("API")
        PAGE = "page", _("page")
        BATCH = "batch", _("batch")

    request_id = models.CharField(_("request id"), max_length=64, unique=True)
    created_at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    via = models.CharField(_("through"), max_length=8, choices=Via)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("account"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="removals",
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey",
        verbose_name=_("API key"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="removals",
    )
    test = models.BooleanField(_("test"), default=False)
    status = models.PositiveSmallIntegerField(_("HTTP status"))
    error_code = models.PositiveSmallIntegerField(_("error code"), null=True)
    error_message = models.CharField(_("error message"), max_length=500, blank=True)
    input_format = models.CharField(_("input format"), max_length=8, blank=True)
    input_width = models.PositiveIntegerField(_("input width"), null=True)
    input_height = models.PositiveIntegerField(_("input height"), null=True)
    output_format = models.CharField(_("output format"), max_length=12, blank=True)
    model = models.CharField(_("network"), max_length=64, blank=True)
    result_width = models.PositiveIntegerField(_("result width"), null=True)
    result_height = models.PositiveIntegerField(_("result height"), null=True)
    credits_charged = models.DecimalField(
        _("credits charged"), max_digits=12, decimal_places=3, default=0
    )
    credits_calculated = models.DecimalField(
        _("credits calculated"), max_digits=12, decimal_places=3, null=True
    )
    duration_ms = models.PositiveIntegerField(_("duration in ms"), default=0)

    class Meta:
        verbose_name = _("removal")
        verbose_name_plural = _("removals")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["user", "-created_at"], name="removal_of_user")]

    def __str__(self) -> str:
        return self.request_id


class DailyUsage(models.Model):
    """The sums of deleted old request rows, by day, account and key."""

    day = models.DateField(db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="daily_usage"
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", null=True, on_delete=models.SET_NULL, related_name="daily_usage"
    )
    requests = models.PositiveIntegerField()
    errors = models.PositiveIntegerField()
    credits = models.DecimalField(max_digits=14, decimal_places=3)

    def __str__(self) -> str:
        return f"{self.requests} on {self.day}"


class KeyedRequest(models.Model):
    """A request with an Idempotency-Key, and its result in the storage until it expires."""

    FOLDER = "keyed-results"

    class State(models.TextChoices):
        WORKING = "working"
        DONE = "done"
        EXPIRED = "expired"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="keyed_requests"
    )
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    token = models.CharField(max_length=32, unique=True)
    request_id = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State, default=State.WORKING)
    created_at = models.DateTimeField(default=timezone.now)
    # Working: when it counts as dead. Done: when the result expires.
    expires_at = models.DateTimeField(db_index=True)
    outcome = models.JSONField(default=dict)
    size = models.PositiveBigIntegerField(default=0)  # size of the result in bytes
    hold = models.ForeignKey(
        "billing.Hold", null=True, on_delete=models.SET_NULL, related_name="keyed_requests"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="removal_one_request_per_key")
        ]

    def __str__(self) -> str:
        return self.request_id

    @property
    def result_name(self) -> str:
        """The result's name in the storage. Unlike the key, the token can't be guessed."""
        return self.name_of(self.token)

    @classmethod
    def name_of(cls, token: str) -> str:
        return f"{cls.FOLDER}/{token}"


class LeaseRow(models.Model):
    """A lease of a slot in a pool of removal/capacity, if the database counts them."""

    lease = models.CharField(max_length=32, db_index=True)
    pool = models.CharField(max_length=80, db_index=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.lease} in {self.pool}"


class KeptPicture(models.Model):
    """A picture sent from the page; its files are in the storage until it expires.

    It belongs to an account or, without one, to a visitor's cookie.
    """

    class State(models.TextChoices):
        WORKING = "working"
        DONE = "done"
        FAILED = "failed"

    picture_id = models.CharField(max_length=32, unique=True)  # chosen by the page
    token = models.CharField(max_length=32, unique=True)  # the files' name; can't be guessed
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.CASCADE,
        related_name="kept_pictures",
    )
    visitor = models.CharField(max_length=32, blank=True, db_index=True)
    # Whose share of the space it uses: the account's, or that of a digest of the visitor's address.
    # A cookie is unsuitable: deleting it would give another share.
    share = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=255)
    request_id = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State, default=State.WORKING)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    size = models.PositiveBigIntegerField(default=0)  # size of all its files in bytes
    touched_up = models.BooleanField(default=False)
    delta = models.BooleanField(default=False)  # whether the result is a Delta PNG of the original
    full = models.BooleanField(default=False)  # whether full resolution was requested
    outcome = models.JSONField(default=dict)
    hold = models.ForeignKey(
        "billing.Hold", null=True, on_delete=models.SET_NULL, related_name="kept_pictures"
    )
    error_message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.request_id


class OwnRecipe(models.Model):
    """A recipe that somebody saved in the account: a name and the API's parameters."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_recipes"
    )
    name = models.CharField(max_length=40)
    parameters = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="removal_own_recipe_name")
        ]

    def __str__(self) -> str:
        return self.name


class Batch(models.Model):
    """Pictures sent together with the same parameters, processed one by one."""

    class State(models.TextChoices):
        OPEN = "open"  # more pictures may be added
        CLOSED = "closed"
        DONE = "done"
        CANCELLED = "cancelled"

    batch_id = models.CharField(max_length=32, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="batches"
    )
    api_key = models.ForeignKey(
        "accounts.ApiKey", null=True, on_delete=models.SET_NULL, related_name="batches"
    )
    fields = models.JSONField(default=dict)  # the parameters, with v2's names
    webhook_url = models.CharField(max_length=2000, blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.batch_id


class BatchPicture(models.Model):
    """One picture of a batch; its files are in the storage until the batch expires."""

    class State(models.TextChoices):
        WAITING = "waiting"
        WORKING = "working"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="pictures")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=255)
    token = models.CharField(max_length=32, unique=True)  # the files' name; can't be guessed
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    # Waiting: not before then. Working: when its worker counts as dead.
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)  # of original and result, while stored
    charged = models.DecimalField(max_digits=12, decimal_places=3, default=0)
    request_id = models.CharField(max_length=64, blank=True)
    outcome = models.JSONField(default=dict)
    hold = models.ForeignKey(
        "billing.Hold", null=True, on_delete=models.SET_NULL, related_name="batch_pictures"
    )
    error_status = models.PositiveSmallIntegerField(null=True)
    error_code = models.PositiveSmallIntegerField(null=True)
    error_message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["state", "due_at"], name="removal_batch_next")]
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="removal_batch_number")
        ]

    def __str__(self) -> str:
        return f"{self.number} of {self.batch_id}"


class WebhookDelivery(models.Model):
    """A webhook event of a batch, until it is delivered or given up."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=32, unique=True)
    body = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now, null=True, db_index=True)  # null: finished
    delivered_at = models.DateTimeField(null=True)
    last_answer = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.delivery_id
