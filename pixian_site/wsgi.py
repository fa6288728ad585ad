"""The WSGI application for servers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pixian_site.settings")
application = get_wsgi_application()
