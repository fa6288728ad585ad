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
    path("oidc/<slug:provider_id>/login/", views.sign_in_elsewhere, name="openid_connect_login"),
    path(
        "confirm-email/",
        views.that_sends_mail(views.verification_sent),
        name="account_email_verification_sent",
    ),
    *(
        path(route, views.that_sends_mail(page), name=name)
        for route, (page, name) in SENDING_MAIL.items()
    ),
    # One by one: all of allauth's together has old addresses besides.
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
    path("3rdparty/", include("allauth.socialaccount.urls")),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
