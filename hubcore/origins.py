"""Which names a door answers to, and which web pages may use it: one parser and one set of rules for both ports. Pure.

A foreign `Host` means that somebody pointed a name of their own at this machine (DNS rebinding). A foreign `Origin`
means that a web page the owner happens to visit is asking. Numbers in names are compared as they are: browsers write
every spelling of an address in its usual form before they send it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .errors import HostRefused, OriginRefused
from .models import text

HOSTS_SETTING = "DASHBOARD_ALLOWED_HOSTS"
ORIGINS_SETTING = "DASHBOARD_ALLOWED_ORIGINS"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
LONGEST = 300  # characters; a name has 253 at most

_AUTHORITY = r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?)(?::(?P<port>[0-9]{0,5}))?"
_HOST = re.compile(_AUTHORITY)
_ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://" + _AUTHORITY)


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine and nothing else."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_wildcard(host: str) -> bool:
    """Whether a bind address stands for all addresses of the machine; as a name it means nothing."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def host_name(host: str) -> str | None:
    """The name in a `Host` header (or of a setting), without port and brackets, in small letters.

    None when it is not exactly one host. Letters of other alphabets come back as the browser sends them (IDNA).
    """
    found = _matched(_HOST, host)
    return None if found is None else found["six"] or found["name"]


def authority(host: str, port: int | None = None) -> str:
    """A host of the settings as it stands in a `Host` header: an IPv6 address in brackets, the port behind it."""
    name = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
    return name if port is None else f"{name}:{port}"


def origin_key(origin: str) -> str | None:
    """An origin in one spelling (small letters, no default port); None when it is not `scheme://host[:port]`.

    The serialization of an origin: WHATWG HTML, “ASCII serialization of an origin”; `null` stays `null`.
    """
    if origin.strip().lower() == "null":
        return "null"
    found = _matched(_ORIGIN, origin.strip())
    if found is None:
        return None
    return f"{found['scheme']}://{_shown(found)}{_port(found['scheme'], found['port'])}"


def _matched(pattern: re.Pattern[str], value: str) -> dict[str, str] | None:
    if not value or len(value) > LONGEST:
        return None
    value = value.lower()
    if not value.isascii():
        try:
            value = value.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    match = pattern.fullmatch(value)
    if match is None or int(match["port"] or 0) > 65535 or (match["six"] and not _is_six(match["six"])):
        return None
    return {name: part or "" for name, part in match.groupdict().items()}


def _is_six(value: str) -> bool:
    try:
        return ipaddress.ip_address(value).version == 6
    except ValueError:
        return False


def _shown(found: dict[str, str]) -> str:
    return f"[{found['six']}]" if found["six"] else found["name"]


def _port(scheme: str, port: str) -> str:
    return "" if not port or int(port) == DEFAULT_PORTS.get(scheme) else f":{int(port)}"


@dataclass(frozen=True)
class Asked:
    """What the headers of a request say of where it comes from. None: the header is absent.

    `site`, `mode`, `dest`: the Sec-Fetch headers (W3C Fetch Metadata) that browsers add and pages cannot forge.
    """

    method: str
    host: str | None
    origin: str | None = None
    site: str | None = None
    mode: str | None = None
    dest: str | None = None
    websocket: bool = False

    @property
    def changes(self) -> bool:
        """Whether it could change something or keep a channel open."""
        return self.websocket or self.method not in SAFE_METHODS


class Door:
    """The rules of one port; the same answer for every request with the same headers."""

    def __init__(
        self,
        *,
        bind: str,
        port: int,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        pages_of_this_machine: bool = False,
    ) -> None:
        """`bind`, `port`: where it listens; `hosts`, `origins`: of the settings.

        `pages_of_this_machine`: whether a page of any other port of this machine may use the door as well.
        """
        named = {name for host in (bind, *hosts) if (name := host_name(authority(host)))}
        self._hosts = {name for name in named if not is_wildcard(name)}
        own = {f"http://{authority(name, port)}" for name in self._hosts}
        self._origins = {key for origin in (*own, *origins) if (key := origin_key(origin))}
        self._pages_of_this_machine = pages_of_this_machine
        self.host_allowed = lru_cache(maxsize=256)(self._host_allowed)
        self.origin_allowed = lru_cache(maxsize=256)(self._origin_allowed)

    def check(self, asked: Asked) -> None:
        """Refuse a request before anything happens. Raises HostRefused, OriginRefused."""
        host = asked.host or ""
        if not self.host_allowed(host):
            raise _host_refused(host)
        if asked.origin is not None:
            if asked.changes and not self.origin_allowed(asked.origin, host):
                raise _origin_refused(asked.origin)
        elif asked.websocket or self._is_foreign(asked):
            raise _origin_refused("")

    def _host_allowed(self, host: str) -> bool:
        name = host_name(host)
        return name is not None and (name in self._hosts or is_loopback(name))

    def _origin_allowed(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may use the door, under the name that it asked for."""
        key = origin_key(origin)
        if key is None or key in self._origins:
            return key is not None
        if key == "null":
            return False
        scheme, _, where = key.partition("://")
        if self.host_allowed(host) and key == origin_key(f"{scheme}://{host}"):
            return True  # the door's own page, also behind a proxy that speaks TLS
        name = host_name(where)
        return self._pages_of_this_machine and name is not None and is_loopback(name)

    def _is_foreign(self, asked: Asked) -> bool:
        """Whether a page of another site asks without saying which: a form, an image, a script, a frame.

        Such a page cannot read the answer, but it could change something, or occupy all the places for open logs. A
        link or an address that a person opens is none of these.
        """
        opened = not asked.changes and asked.mode == "navigate" and asked.dest == "document"
        return asked.site == "cross-site" and not opened


def _printable(value: str) -> str:
    return "".join(c if c.isprintable() else " " for c in value[:100])


def _host_refused(host: str) -> HostRefused:
    return HostRefused(
        text(
            "This server does not answer to the name “{host}”. To allow it, add it to the setting {setting}.",
            host=_printable(host),
            setting=HOSTS_SETTING,
        )
    )


def _origin_refused(origin: str) -> OriginRefused:
    if not origin:
        sentence = text(
            "A web page of another site may not use this server. To allow it, add it to the setting {setting}.",
            setting=ORIGINS_SETTING,
        )
        return OriginRefused(sentence)
    return OriginRefused(
        text(
            "The web page “{origin}” may change nothing here. To allow it, add it to the setting {setting}.",
            origin=_printable(origin),
            setting=ORIGINS_SETTING,
        )
    )
