"""Restricts the addresses that workflows may call to public ones, unless the host allows more.

The environment variables are those of `context.environment.HttpCalls`, and `SSL_CERT_FILE` (certificates
to trust).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import httpx
import inngest

from proflow_runtime.context.environment import HttpCalls

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
_TRANSLATED = ipaddress.ip_network("::ffff:0:0:0/96")
# Python's tables differ between versions, and what clouds answer at is in no table. These are IANA's
# registries of special purposes, except what `is_global` has had since Python 3.11.
_SPECIAL = tuple(
    ipaddress.ip_network(one)
    for one in (
        "168.63.129.16/32",  # Azure's own services, in every virtual machine
        "100.64.0.0/10",  # shared address space, with the metadata of Alibaba Cloud
        "169.254.0.0/16",  # link-local, with the metadata of most clouds
        "192.0.0.0/24",  # protocol assignments, with the metadata of Oracle Cloud
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, and what used to be
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "240.0.0.0/4",  # reserved
        "64:ff9b:1::/48",  # local translation
        "100::/64",  # discarded
        "100:0:0:1::/64",  # dummy
        "2001::/23",  # protocol assignments, with Teredo, ORCHID and AMT
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, as it used to be
    )
)


@dataclass(frozen=True)
class Allowed:
    """The hosts and networks that may be called in addition to public addresses."""

    everything: bool = False
    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, settings: HttpCalls) -> Allowed:
        """Tell the networks from the names of hosts."""
        hosts: set[str] = set()
        networks: list[Network] = []
        for entry in settings.allow:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                hosts.add(entry)
        return cls(settings.allow_private, frozenset(hosts), tuple(networks))

    def permits(self, host: str, address: Address) -> bool:
        """Return True if this address of a host may be called."""
        if self.everything or host.lower() in self.hosts or is_public(address):
            return True
        return any(
            address.version == network.version and address in network for network in self.networks
        )


def is_public(address: Address) -> bool:
    """Return True if an address, and any IPv4 address embedded in it, is on the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
    if any(address.version == one.version and address in one for one in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, by the common ways of translation."""
    if address in _NAT64 or address in _COMPATIBLE or address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """The trusted certificates, read once because that takes about 10 ms."""
    return httpx.create_ssl_context()


class GuardedTransport(httpx.AsyncBaseTransport):
    """An HTTP transport that resolves and checks each host itself, also for every redirect."""

    def __init__(self, allowed: Allowed) -> None:
        self._allowed = allowed
        self._transport = httpx.AsyncHTTPTransport(verify=_trusted(), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        addresses = await self._addresses(host, request.url.port)
        error: httpx.HTTPError | None = None
        for address in addresses:
            direct = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._transport.handle_async_request(direct)
            except httpx.ConnectError as failed:
                error = failed
        raise error or httpx.ConnectError(f"`{host}` has no address")

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _addresses(self, host: str, port: int | None) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port or 0, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise httpx.ConnectError(f"`{host}` has no address") from None
        addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
        permitted = [one for one in addresses if self._allowed.permits(host, one)]
        if not permitted:
            raise inngest.NonRetriableError(
                f"`{host}` is not a public address, and calling it is not allowed"
            )
        return list(dict.fromkeys(permitted))
