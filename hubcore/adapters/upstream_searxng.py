"""SearXNG's description of itself: https://docs.searxng.org"""

from __future__ import annotations

from hubcore.models.upstream import Engines
from hubcore.places import Place
from hubcore.upstream_parse import engines

from .upstream_http import UpstreamHttp

READ = 10.0  # seconds


def search_engines(http: UpstreamHttp, place: Place) -> Engines:
    """The engines it knows. Raises UpstreamFailed."""
    return http.get(place, "/config", engines, seconds=READ)
