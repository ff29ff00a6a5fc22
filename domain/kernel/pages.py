"""A page of a long list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`more`: something follows the last item. A page goes on after the sort key of the last item, never by counting."""

    items: tuple[T, ...]
    more: bool
