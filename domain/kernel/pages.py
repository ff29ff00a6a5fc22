"""A page of a long list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`more`: something follows the last item. The next page goes on after that item's sort key, never by counting."""

    items: tuple[T, ...]
    more: bool
