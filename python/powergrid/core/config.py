"""Validated configuration: unknown keys name the nearest known one, errors name their place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from heron.errors import ConfigError, nearest

__all__ = ["StrictModel", "parse_config"]


class StrictModel(BaseModel):
    """A pydantic model that refuses unknown keys and accepts declared synonyms.

    `synonyms` maps an accepted spelling to the field it stands for.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
    synonyms: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _known_keys_only(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        known = {}
        for key, value in data.items():
            name = cls.synonyms.get(key, key)
            if name not in cls.model_fields:
                raise ValueError(nearest(str(key), [*cls.model_fields, *cls.synonyms]))
            if name in known:
                raise ValueError(f"'{key}' says again what another key says of '{name}'")
            known[name] = value
        return known


ModelT = TypeVar("ModelT", bound=BaseModel)


def parse_config(model: type[ModelT], data: Any, where: str) -> ModelT:
    """Build `model` from a mapping.

    Raises
    ------
    ConfigError
        (a ValueError) naming `where`, the field and what is wrong, one line per problem.
    """
    try:
        return model.model_validate(dict(data) if isinstance(data, Mapping) else data)
    except ValidationError as error:
        problems = []
        for item in error.errors(include_url=False):
            place = ".".join(str(part) for part in item["loc"])
            message = item["msg"].removeprefix("Value error, ")
            if message == item["msg"] and isinstance(item["input"], str | int | float | bool):
                message += f", got {item['input']!r}"  # pydantic's own do not say what came
            problems.append(f"{place}: {message}" if place else message)
        raise ConfigError(f"{where}: " + "; ".join(problems)) from None
