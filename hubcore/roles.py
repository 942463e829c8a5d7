"""Who may do what: three roles, each allowed all that the ones before it are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .errors import RoleRefused
from .models import text


class Role(StrEnum):
    """viewer: look. operator: also start, stop, restart, back up. admin: also configuration, models, audit log."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Principal:
    """Whoever asks. `name`: of the token, or `local` on a door that needs none; `address`: of the client.

    `token`: the id of the token, None without one.
    """

    name: str = "local"
    role: Role = Role.ADMIN
    address: str = ""
    token: str | None = None

    def require(self, role: Role) -> None:
        """Raises RoleRefused when this role is not enough."""
        if not self.role.includes(role):
            raise RoleRefused(
                text(
                    "This needs the role {needed}; the token “{name}” has the role {role}.",
                    needed=role,
                    name=self.name,
                    role=self.role,
                ),
                remedy=text(
                    "Use a token of that role: `python -m hubcore token create NAME --role {needed}`.", needed=role
                ),
            )
