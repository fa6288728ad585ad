"""Mails owners whose balance fell below the threshold they chose, once for each fall."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User

from .models import Account

log = logging.getLogger(__name__)


def send_mails() -> int:
    """Send the mails; the number sent. A mail that failed is tried again at the next call."""
    watched = Account.objects.exclude(low_balance_threshold=None).exclude(user=None)
    recovered = watched.filter(balance__gte=F("low_balance_threshold"))
    recovered.exclude(low_balance_mailed_at=None).update(low_balance_mailed_at=None)
    low = watched.filter(balance__lt=F("low_balance_threshold"), low_balance_mailed_at=None)
    return sum(_claim(low, account) and _send(account) for account in low.select_related("user"))


def _claim(low: QuerySet[Account], account: Account) -> bool:
    """True in exactly one of several processes: that one sends the mail."""
    return bool(low.filter(pk=account.pk).update(low_balance_mailed_at=timezone.now()))


def _send(account: Account) -> bool:
    assert isinstance(account.user, User)
    with translation.override(account.user.language):
        text = render_to_string(
            "billing/mail/low_balance.txt",
            {"account": account, "site_name": settings.SITE_NAME},
        )
        subject = _("%(site)s: your credits are running low") % {"site": settings.SITE_NAME}
    try:
        send_mail(subject, text, None, [account.user.email])
    except OSError:
        log.exception("The low-balance mail of account %s was not sent", account.pk)
        Account.objects.filter(pk=account.pk).update(low_balance_mailed_at=None)
        return False
    return True
