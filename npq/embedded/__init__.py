"""A private PostgreSQL for development, tests and the sandbox, started on first use.

`cluster.py` starts and stops it, `base.py` is the database backend (`ENGINE = "npq.embedded"`) that
does so when the first connection fails. Production never comes here: it has a DATABASE_URL.

    python -m npq.embedded start|stop|status [DIRECTORY]
"""

from npq.embedded.cluster import Cluster, ClusterError

__all__ = ["Cluster", "ClusterError"]
