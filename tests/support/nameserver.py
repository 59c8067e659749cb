"""A DNS server on the loopback, which knows TXT records and nothing else."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from local_stack.ports import HOST

BROKEN = ["SERVFAIL"]
"""The records of a name about which the server answers that it cannot tell."""


@asynccontextmanager
async def nameserver(records: Mapping[str, list[str]]) -> AsyncGenerator[str]:
    """Its address and port. `records` may be changed meanwhile: the values of TXT records by name."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Dns(records), (HOST, 0))
    try:
        host, port = transport.get_extra_info("sockname")
        yield f"{host}:{port}"
    finally:
        transport.close()


class _Dns(asyncio.DatagramProtocol):
    def __init__(self, records: Mapping[str, list[str]]) -> None:
        self._records = records

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._answer(dns.message.from_wire(data)).to_wire(), addr)

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(question, recursion_available=True)
        name = question.question[0].name
        values = self._records.get(name.to_text(omit_final_dot=True).lower())
        if values is BROKEN:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif values is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif question.question[0].rdtype == dns.rdatatype.TXT and values:
            texts = (f'"{value}"' for value in values)
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *texts))
        return answer
