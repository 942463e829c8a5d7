"""Roles and what they include."""

from __future__ import annotations

import pytest

from hubcore.errors import RoleRefused
from hubcore.roles import Principal, Role

VIEWER, OPERATOR, ADMIN = Role


@pytest.mark.parametrize(
    ("has", "may"), [(VIEWER, {VIEWER}), (OPERATOR, {VIEWER, OPERATOR}), (ADMIN, {VIEWER, OPERATOR, ADMIN})]
)
def test_a_role_includes_those_before_it(has: Role, may: set[Role]) -> None:
    for needed in Role:
        assert has.includes(needed) == (needed in may)
        if needed in may:
            Principal("n", has).require(needed)
        else:
            with pytest.raises(RoleRefused, match=f"role {needed}.*“n” has the role {has}"):
                Principal("n", has).require(needed)
