"""Turns failures of the mail server into MailNotSent, with a clear message."""

from smtplib import SMTPRecipientsRefused

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class MailNotSent(Exception):
    """The mail server refused; `permanent` if the same address would fail again."""

    def __init__(self, *, permanent: bool) -> None:
        super().__init__()
        self.permanent = permanent

    @property
    def sentence(self) -> Promise:
        if self.permanent:
            return _("The mail server does not accept this address. Check its spelling.")
        return _("Mail could not be sent just now. Please try again in a few minutes.")

    def __reduce__(self) -> tuple[object, ...]:
        """By its finished message: what the constructor was given is not kept."""
        return Exception.__new__, (type(self), *self.args), vars(self)


def failure(error: OSError) -> MailNotSent:
    """The MailNotSent for a mail server's error; smtplib's errors are OSErrors too."""
    refused = error.recipients.values() if isinstance(error, SMTPRecipientsRefused) else []
    return MailNotSent(permanent=bool(refused) and all(code >= 500 for code, _text in refused))
