"""The engine's core: pure functions over values. It knows no Kafka, Temporal, SQL, clock or HTTP."""
