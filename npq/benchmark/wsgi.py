"""The service on the benchmark's database: what `npq.benchmark.writes` starts under gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "npq.settings")
application = get_wsgi_application()

from npq.benchmark.database import use_benchmark_database  # noqa: E402 - needs the settings loaded

use_benchmark_database(os.environ["NPQ_BENCHMARK_DATABASE"])
