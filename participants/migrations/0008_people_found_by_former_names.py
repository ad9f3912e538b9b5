from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built beside the writing of participants, which no lock then stops.
    atomic = False

    dependencies = [("participants", "0007_words_of_the_pages")]

    operations = [
        AddIndexConcurrently(
            model_name="participant",
            index=models.Index(
                name="participant_renamed",
                fields=["id"],
                condition=models.Q(("previous_names", []), _negated=True),
            ),
        ),
    ]
