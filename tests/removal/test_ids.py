"""Ids that the page's script never makes up."""

from django.test import Client

from tests.billing import databases


def test_an_id_that_no_database_takes_is_not_looked_for(
    postgres_url, django_db_blocker, django_db_setup
):
    database = databases.postgresql(postgres_url)
    with django_db_blocker.unblock(), databases.as_default(database):
        answer = Client().post("/removals", {"picture": "\0"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 1005)
