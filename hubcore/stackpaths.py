"""Where the files of a service are, relative to the stack's root. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple

ENV_FOLDER = "env"


class EnvPath(NamedTuple):
    """The file with a service's variables. `used`: whether the compose file hands it to the service."""

    path: str | None = None
    used: bool = True


def env_path(named: Sequence[str] | None, usual: str | None) -> EnvPath:
    """The env file among those that the compose file names (None: the service is not in it), else the usual one.

    `usual`: its bare name where the service is a known one. Of several the usual one is taken, else the first that lies
    in the stack's folder.
    """
    preset = posixpath.join(ENV_FOLDER, usual) if usual else None
    inside = [path for raw in named or () if (path := relative(raw)) is not None]
    if preset in inside or not inside:
        return EnvPath(preset, named is None or preset in inside)
    return EnvPath(inside[0])


def relative(raw: str) -> str | None:
    """A path of the compose file in its plain form (`./env/a.env` → `env/a.env`); None when it leads out."""
    path = posixpath.normpath(raw.replace("\\", "/"))
    outside = path.startswith(("/", "../", "~")) or path in (".", "..") or re.match(r"[A-Za-z]:", path)
    return None if outside else path
