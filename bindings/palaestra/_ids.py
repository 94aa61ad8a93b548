"""Ids of environments, as this package writes them and as Gymnasium does."""

from __future__ import annotations

from palaestra._palaestra import UserError

NAMESPACE = "palaestra"


def gymnasium_id(env_id: str) -> str:
    """``walker-walk`` of ``dm_control/`` is ``palaestra/dm_control.walker-walk`` in Gymnasium.

    Gymnasium allows one slash in an id, which the namespace takes.
    """
    return f"{NAMESPACE}/{env_id.replace('/', '.')}"


def native_id(env_id: str) -> str:
    """Id in either form, with or without ``palaestra/``, in this package's own form."""
    if not isinstance(env_id, str):
        raise UserError(f"environment id is {env_id!r}; accepted: a text")
    env_id = env_id.removeprefix(f"{NAMESPACE}/")
    family, dot, name = env_id.partition(".")
    return f"{family}/{name}" if dot and "/" not in env_id else env_id
