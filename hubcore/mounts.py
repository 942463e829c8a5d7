"""Where a file of one side appears on the other: between this machine, the engine's machine and a container. Pure."""

from __future__ import annotations

from collections.abc import Iterable

Pair = tuple[str, str]  # source on the engine's machine, target in the container


def targets(path: str, mounts: Iterable[Pair]) -> list[str]:
    """The paths in a container under which a file of the engine's machine is seen there."""
    pairs = list(mounts)
    found: list[str] = []
    for source, target in pairs:
        rest = _below(path, source)
        if rest is None:
            continue
        seen = target.rstrip("/") + rest
        hidden = any(len(other) > len(target) and _below(seen, other) is not None for _, other in pairs)
        if not hidden:  # another mount may lie over it
            found.append(seen)
    return list(dict.fromkeys(found))


def outward(path: str, mounts: Iterable[Pair]) -> str | None:
    """The path on the engine's machine of a path in a container; None for what lies in the container alone."""
    found = [(target, source + rest) for source, target in mounts if (rest := _below(path, target)) is not None]
    return max(found, key=lambda pair: len(pair[0]))[1] if found else None


def pairs_of(listed: Iterable[str]) -> list[Pair]:
    """Pairs from the `source:target` that a container's model holds; those of volumes have a name as source."""
    return [(source, target) for source, _, target in (mount.rpartition(":") for mount in listed) if source]


def _below(path: str, folder: str) -> str | None:
    """What follows `folder` in `path`, with its slash; "" for the same path, None for one elsewhere."""
    folder = folder.rstrip("/")
    if path == folder:
        return ""
    return path[len(folder) :] if path.startswith(folder + "/") else None
