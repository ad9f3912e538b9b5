"""What an application server loads. Production unless the environment says otherwise."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("NPQ_ENVIRONMENT", "production")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "npq.settings")

application = get_wsgi_application()
