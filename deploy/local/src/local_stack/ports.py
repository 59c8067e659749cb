"""Ports on the loopback address: is one free, which one is, does anyone listen, and answer."""

import random
import socket
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

HOST = "127.0.0.1"
_BELOW_EPHEMERAL = range(20_000, 32_000)  # outgoing connections take theirs above


def free_port() -> int:
    """A port that is free at this moment."""
    candidates = random.sample(_BELOW_EPHEMERAL, 200)
    return next(port for port in candidates if is_free(port))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Does someone accept connections there?"""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def responds(address: str, path: str) -> bool:
    """Whether a GET is answered with 200. It is asked often: a new client with TLS each time took a whole core."""
    connection = HTTPConnection(address, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
