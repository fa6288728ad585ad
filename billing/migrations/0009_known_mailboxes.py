from django.db import migrations

from accounts import addresses


def remember_whom_credits_were_given(apps, schema_editor):
    """Those whose accounts are still open: of closed ones nothing was kept."""
    Account = apps.get_model("billing", "Account")
    DataKey = apps.get_model("accounts", "DataKey")
    KnownMailbox = apps.get_model("accounts", "KnownMailbox")
    welcomed = Account.objects.filter(
        user__isnull=False, entries__kind="grant", entries__reason="Welcome"
    )
    emails = welcomed.values_list("user__email", flat=True).distinct()
    digests = {addresses.digest(email, DataKey) for email in emails}
    KnownMailbox.objects.bulk_create(KnownMailbox(digest=digest) for digest in digests)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_reversal_currency"),
        ("accounts", "0004_known_mailboxes"),
    ]

    operations = [
        migrations.RunPython(remember_whom_credits_were_given, migrations.RunPython.noop),
    ]
