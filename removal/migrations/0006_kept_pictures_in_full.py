"""Whether a kept picture was to be of full resolution."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("removal", "0005_batches")]

    operations = [
        migrations.AddField("keptpicture", "full", models.BooleanField(default=False)),
    ]
