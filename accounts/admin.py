"""The admin pages for users and their API keys."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from . import services
from .models import ApiKey, User

# Providers are set in the environment, and who connected what is nobody's business.
admin.site.unregister([SocialAccount, SocialApp, SocialToken])
OUT_OF_REACH = _("Superusers and their keys were left as they are: only a superuser may do that.")

admin.site.site_header = admin.site.site_title = settings.SITE_NAME
# Staff log in on the same page as everybody, with its rate limits and second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]


class UserCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)


class ApiKeyInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ApiKey
    fields = readonly_fields = (
        "public_id",
        "label",
        "test_only",
        "created_at",
        "last_used_at",
        "revoked_at",
    )
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a secret is shown only once, to its owner


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    add_form = UserCreationForm
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("State"), {"fields": ("is_active", "suspended_at", "last_login", "date_joined")}),
        (_("Staff"), {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
    )
    readonly_fields = ("suspended_at", "last_login", "date_joined")
    inlines = (ApiKeyInline,)
    list_display = ("email", "date_joined", "last_login", "suspended_at", "is_staff")
    list_filter = ("is_staff", "is_active", ("suspended_at", admin.EmptyFieldListFilter))
    search_fields = ("email", "api_keys__public_id")
    ordering = ("-date_joined",)
    actions = ("suspend", "reinstate")

    def get_inlines(self, request: HttpRequest, obj: User | None) -> tuple[type[ApiKeyInline], ...]:
        return self.inlines if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        if obj is None or _is_superuser(request):
            return super().get_fieldsets(request, obj)
        (_title, _login), *others = self.fieldsets
        return ((None, {"fields": ("email",)}), *others)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Otherwise staff who may change users could make themselves superusers."""
        if obj is None or _is_superuser(request):
            return super().get_readonly_fields(request, obj)
        return flatten_fieldsets(self.get_fieldsets(request, obj))

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 (as Django calls it)
        form_url: str = "",
    ) -> HttpResponse:
        if not _is_superuser(request):
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            obj.confirm_email()

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        services.close_account(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            services.close_account(user)

    @admin.action(description=_("Suspend: refuse every API key"), permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._within_reach(request, queryset.filter(suspended_at=None)):
            services.suspend(user)
            self.log_change(request, user, "Suspended.")

    @admin.action(description=_("Reinstate: accept API keys again"), permissions=["change"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in self._within_reach(request, queryset.exclude(suspended_at=None)):
            services.reinstate(user)
            self.log_change(request, user, "Reinstated.")

    def _within_reach(self, request: HttpRequest, users: QuerySet[User]) -> QuerySet[User]:
        if not _is_superuser(request) and users.filter(is_superuser=True).exists():
            self.message_user(request, OUT_OF_REACH, messages.WARNING)
        return users if _is_superuser(request) else users.filter(is_superuser=False)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("public_id", "user", "label", "test_only", "last_used_at", "revoked_at")
    list_filter = ("test_only", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("public_id", "label", "user__email")
    date_hierarchy = "created_at"
    readonly_fields = (
        "user",
        "public_id",
        "label",
        "test_only",
        "created_at",
        "last_used_at",
        "revoked_at",
    )
    fields = readonly_fields
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        owner = obj.user if obj else None
        return super().has_delete_permission(request, obj) and _may_touch(request, owner)

    @admin.action(description=_("Revoke at once and for good"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        keys = queryset.filter(revoked_at=None)
        if not _is_superuser(request) and keys.filter(user__is_superuser=True).exists():
            self.message_user(request, OUT_OF_REACH, messages.WARNING)
            keys = keys.filter(user__is_superuser=False)
        for key in keys:
            services.revoke(key)
            self.log_change(request, key, f"Revoked at {timezone.now():%Y-%m-%d %H:%M} UTC.")


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return user is None or not user.is_superuser or _is_superuser(request)


def _is_superuser(request: HttpRequest) -> bool:
    return request.user.is_authenticated and request.user.is_superuser
