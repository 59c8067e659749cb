"""The real servers: start, wait_ready, stop, kill, alive, address; data folder and port are parameters."""

from local_stack.servers.alertmanager import Alertmanager
from local_stack.servers.kafka import Detour, Kafka, Secured
from local_stack.servers.postgres import Postgres
from local_stack.servers.prometheus import Monitored, Prometheus
from local_stack.servers.temporal import Temporal
from local_stack.servers.zipkin import Zipkin

__all__ = ["Alertmanager", "Detour", "Kafka", "Monitored", "Postgres", "Prometheus", "Secured", "Temporal", "Zipkin"]
