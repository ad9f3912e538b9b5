"""Django's PostgreSQL backend, with a server that is started when nobody answers."""

import logging
from pathlib import Path
from typing import Any

import psycopg
from django.db.backends.postgresql import base as postgresql

from npq.embedded.cluster import Cluster

logger = logging.getLogger(__name__)


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """Starts the private cluster on the first connection that fails, in whichever process that is."""

    @property
    def cluster(self) -> Cluster:
        """The cluster that the settings of this connection name."""
        settings = self.settings_dict
        return Cluster(Path(settings["CLUSTER_DIRECTORY"]), settings["CLUSTER_DURABLE"])

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            cluster = self.cluster
            if cluster.start():
                logger.info("Started PostgreSQL in %s", cluster.directory)
            # Also when it was running: another process may have started it meanwhile.
            return super().get_new_connection(conn_params)
