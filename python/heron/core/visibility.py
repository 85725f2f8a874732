"""Who may see a feature."""

from __future__ import annotations

from collections.abc import Sequence

from heron.errors import ConfigError, nearest

__all__ = ["VISIBILITY_TAGS", "check_tags", "is_visible"]

_SYSTEM_LEVEL = 3

VISIBILITY_TAGS = ("public", "owner", "upper_level", "system")


def check_tags(tags: Sequence[str]) -> None:
    """Raise ConfigError, naming the nearest one, if a visibility tag does not exist."""
    if isinstance(tags, str):
        raise ConfigError(f"visibility is {tags!r}, expected a list of tags such as [{tags!r}]")
    for tag in tags:
        if tag not in VISIBILITY_TAGS:
            raise ConfigError(nearest(tag, VISIBILITY_TAGS, kind="visibility tag"))


def is_visible(
    tags: Sequence[str],
    requestor_id: str | None,
    requestor_level: int,
    owner_id: str | None,
    owner_level: int,
) -> bool:
    """Tell whether any of the tags lets the requestor see what the owner has.

    Raises
    ------
    ConfigError
        If a tag does not exist; the message names the nearest one.
    """
    check_tags(tags)
    return (
        "public" in tags
        or ("owner" in tags and requestor_id is not None and requestor_id == owner_id)
        or ("upper_level" in tags and requestor_level == owner_level + 1)
        or ("system" in tags and requestor_level >= _SYSTEM_LEVEL)
    )
