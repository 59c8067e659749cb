"""Zipkin: shows traces, which it takes as OTLP over HTTP; it keeps them in memory."""

from pathlib import Path

from local_stack.java import java
from local_stack.part import Part
from local_stack.ports import HOST, responds
from local_stack.tools import Tools

_LAUNCHER = "org.springframework.boot.loader.launch.JarLauncher"
_MOST_SPANS = "100000"


class Zipkin(Part):
    """A server with its page. It knows no links of spans: they become tags, `otlp.link.0` and so on."""

    def __init__(self, home: Path, port: int, tools: Tools) -> None:
        super().__init__("zipkin", home, port)
        self._tools = tools

    def launch(self) -> None:
        listens = {"ip": HOST, "port": self.port, "protocols[0]": "http"}  # without `ip`, on all addresses
        options = [f"-Darmeria.ports[0].{name}={value}" for name, value in listens.items()]
        environment = {"STORAGE_TYPE": "mem", "MEM_MAX_SPANS": _MOST_SPANS}
        self.process.spawn(java(self._tools.zipkin(), *options, _LAUNCHER), cwd=self.home, env=environment)

    def ready(self) -> bool:
        return responds(self.address, "/health")
