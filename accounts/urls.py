"""URLs of signing up, logging in and account settings."""

from allauth.account import views as allauth_views
from django.urls import include, path

from . import views

SENDING_MAIL = {
    "signup/": (allauth_views.signup, "account_signup"),
    "login/": (allauth_views.login, "account_login"),  # an address that is not confirmed yet
    "email/": (allauth_views.email, "account_email"),
    "password/reset/": (allauth_views.password_reset, "account_reset_password"),
}

urlpatterns = [
    path("close/", views.close, name="account_close"),
    *(
        path(route, views.that_sends_mail(page), name=name)
        for route, (page, name) in SENDING_MAIL.items()
    ),
    path("", include("allauth.urls")),
]
