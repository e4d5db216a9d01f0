"""Predictions as columns: a dataclass of arrays, whose first axis counts images or what was found in them."""

from dataclasses import Field, fields
from io import BytesIO
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray


class Columns:
    """For dataclasses all of whose fields are arrays."""

    __dataclass_fields__: ClassVar[dict[str, Field[NDArray[Any]]]]

    @classmethod
    def names(cls) -> list[str]:
        return [field.name for field in fields(cls)]

    @classmethod
    def of_bytes(cls, content: bytes) -> Self:
        """What `to_bytes` gave."""
        with np.load(BytesIO(content), allow_pickle=False) as columns:
            return cls(**{name: columns[name] for name in cls.names()})

    def to_bytes(self) -> bytes:
        """As an .npz file."""
        content = BytesIO()
        np.savez(content, **{name: getattr(self, name) for name in self.names()})
        return content.getvalue()

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        return cls.concatenated(parts)

    @classmethod
    def concatenated(cls, parts: list[Self], **others: NDArray[Any]) -> Self:
        """Each column of all parts, one behind the other; `others` are columns that are made otherwise."""
        behind = [name for name in cls.names() if name not in others]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in behind}, **others)
