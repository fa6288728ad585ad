from decimal import Decimal

from django.db import migrations, models


def copy(apps, schema_editor):
    pictures = apps.get_model("removal", "BatchPicture")
    for picture in pictures.objects.filter(state="done").only("pk", "outcome").iterator():
        charged = Decimal(picture.outcome.get("charged", "0"))
        pictures.objects.filter(pk=picture.pk).update(charged=charged)


class Migration(migrations.Migration):
    dependencies = [("removal", "0007_what_is_kept")]

    operations = [
        migrations.AddField(
            model_name="batchpicture",
            name="charged",
            field=models.DecimalField(decimal_places=3, default=0, max_digits=12),
        ),
        migrations.RunPython(copy, migrations.RunPython.noop),
    ]
