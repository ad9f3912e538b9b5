"""`python -m npq.embedded start|stop|status [DIRECTORY]`: the private PostgreSQL by hand."""

import argparse
import os
import sys

from npq.embedded.cluster import Cluster, ClusterError


def main() -> int:
    """Exit code 0: done or running; 1: not running; 2: failed."""
    parser = argparse.ArgumentParser(prog="python -m npq.embedded", description=__doc__)
    parser.add_argument("action", choices=["start", "stop", "status"])
    parser.add_argument("directory", nargs="?", default=os.environ.get("NPQ_POSTGRES_DIRECTORY", ".pgdata"))
    arguments = parser.parse_args()
    cluster = Cluster.at(arguments.directory, durable=os.environ.get("NPQ_POSTGRES_DURABLE", "1") != "0")
    try:
        if arguments.action == "start":
            cluster.start()
        elif arguments.action == "stop":
            cluster.stop()
        running = cluster.is_running()
    except ClusterError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"PostgreSQL in {cluster.directory}: {'running' if running else 'not running'}")
    return 0 if running or arguments.action == "stop" else 1


if __name__ == "__main__":
    sys.exit(main())
