"""An account that has seen everything: pages with their rows, for whoever looks at pages.

`server.manage("shell", "-c", MAKE)` writes it and prints its pages' addresses as JSON.
"""

import json
from datetime import timedelta
from decimal import Decimal

from allauth.account.models import EmailAddress
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from django.urls import reverse
from django.utils import timezone

from accounts import services, webhook_secrets
from accounts.models import ApiKey, User
from billing import audit, ledger, sales
from billing.models import CreditPack, PackPrice, Purchase
from removal.models import Removal

from .people import PASSWORD

EMAIL, NEWCOMER, STAFF = "history@example.com", "newcomer@example.com", "boss@example.com"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PROVIDERS = {
    "OIDC_PROVIDERS": "corp",
    "OIDC_CORP_URL": "https://id.example.com",
    "OIDC_CORP_CLIENT_ID": "cutout",
    "OIDC_CORP_CLIENT_SECRET": "hush",
    "OIDC_CORP_NAME": "Example Corp",
}
MAKE = "from tests.browser.history import make; make()"
DAYS, REQUESTS = 30, 60
LONG_ERROR = (
    "result.margin: must be one to four lengths such as 10px or 5%, at most 49%; "
    "https://example.com/a/very/long/address/without/any/place/to/break/photo.jpg is none."
)


def make() -> None:
    user = _person()
    _second_factor(user)
    keys = _keys(user)
    _requests(user, keys[0])
    references = _purchases(user)
    staff = User.objects.create_superuser(STAFF, PASSWORD)
    staff.confirm_email()
    assert list(audit.recorded()) == []
    print(json.dumps(_pages(keys[1], references)))


def _person() -> User:
    user = User.objects.create_user(EMAIL, PASSWORD)
    user.confirm_email()
    EmailAddress.objects.create(user=user, email="a.second.address.of.mine@studio.example.com")
    SocialAccount.objects.create(
        user=user, provider="corp", uid="1", extra_data={"email": "me@corp.example.com"}
    )
    newcomer = User.objects.create_user(NEWCOMER, PASSWORD)
    newcomer.confirm_email()
    return user


def _second_factor(user: User) -> None:
    TOTP.activate(user, TOTP_SECRET)
    RecoveryCodes.activate(user)


def _keys(user: User) -> list[ApiKey]:
    labels = ("laptop", "The shop's server in the cellar, for the autumn catalogue", "old")
    keys = [services.issue_api_key(user, label=label)[0] for label in labels]
    ApiKey.objects.filter(pk=keys[1].pk).update(monthly_limit=Decimal(25))
    webhook_secrets.replace(keys[1], timedelta(hours=24))
    services.revoke(keys[2])
    return keys


def _requests(user: User, key: ApiKey) -> None:
    """Of each way and state; what they cost stands in the ledger, too."""
    ledger.grant(user, Decimal(100), "for the test")
    with ledger.charge(user, Decimal("3.456"), "request-1", 60) as hold:
        ledger.settle(hold)
        ledger.mark_delivered(hold)
    for number in range(REQUESTS):
        failed, test = number % 7 == 3, number % 5 == 1
        Removal.objects.create(
            request_id=f"{number:032x}",
            created_at=timezone.now() - timedelta(days=DAYS * number**2 / REQUESTS**2),
            via=list(Removal.Via)[number % 3],
            user=user,
            api_key=key,
            test=test,
            status=400 if failed else 200,
            error_code=1131 if failed else None,
            error_message=LONG_ERROR if failed else "",
            input_format="JPEG",
            input_width=6000,
            input_height=4000,
            output_format="" if failed else "png",
            model="u2netp",
            result_width=None if failed else 6000,
            result_height=None if failed else 4000,
            credits_charged=0 if failed or test else Decimal("1.250"),
            credits_calculated=Decimal("1.250"),
            duration_ms=1234,
        )


def _purchases(user: User) -> dict[str, str]:
    """One in each state; state -> its reference."""
    for name, credits_, euros, yen in (
        ("Hundred", 100, "10", "1600"),
        ("Thousand", 1000, "80", "12800"),
    ):
        pack = CreditPack.objects.create(name=name, credits=credits_)
        PackPrice.objects.create(pack=pack, currency="eur", amount=euros)
        PackPrice.objects.create(pack=pack, currency="jpy", amount=yen)
    uncredited, paid = Purchase.State.UNCREDITED, Purchase.State.PAID
    references = {}
    for state in Purchase.State:
        purchase = Purchase.objects.create(
            account=ledger.account_for(user), pack_name="Hundred", credits=100, validity_days=365,
            currency="eur", amount=1000, amount_paid=1190, paid_at=timezone.now(),
            state=uncredited if state == paid else state,
        )  # fmt: skip
        if state == paid:
            sales.accept(purchase)
        references[str(state)] = str(purchase.reference)
    return references


def _pages(key: ApiKey, references: dict[str, str]) -> dict[str, list[str]]:
    """Who sees them -> addresses."""
    named = (
        "dashboard", "usage", "api_keys", "purchases", "pricing", "account_email",
        "account_change_password", "mfa_index", "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes", "mfa_deactivate_totp", "usersessions_list",
        "socialaccount_connections", "account_close", "account_logout", "account_reauthenticate",
        "mfa_reauthenticate",
    )  # fmt: skip
    mine = [reverse(name) for name in named]
    mine += [reverse("usage") + "?errors", reverse("pricing") + "?width=6000&height=4000"]
    mine += [reverse(name, args=[key.public_id]) for name in ("api_key", "webhook_secret")]
    mine.append(reverse("receipt", args=[references["paid"]]))
    mine += [reverse("thanks", args=[references[it]]) for it in ("pending", "uncredited")]
    return {
        EMAIL: mine,
        NEWCOMER: [reverse("mfa_activate_totp"), reverse("dashboard"), reverse("api_keys")],
        STAFF: [reverse("admin:index")],
    }
