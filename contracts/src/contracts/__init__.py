"""What is said on the wire between the services: envelope, topics, messages, conditions.

Everything here is plain pydantic and needs no client of any server; the extra `kit` (`contracts.kit`) keeps delivery.
"""
