"""All lounges, as one process holds them: replaced whole when they change."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from domain.kernel.pages import Page
from domain.lounge.facts import Lounge, Policy


class Directory:
    """Immutable. stamp: the catalog's version it was read with. Closed lounges are found by code, listed nowhere."""

    def __init__(self, lounges: Iterable[Lounge], policy: Policy, stamp: int = 0) -> None:
        self.policy = policy
        self.stamp = stamp
        self._by_code = {lounge.code: lounge for lounge in sorted(lounges, key=lambda each: each.code)}
        self._open = [lounge for lounge in self._by_code.values() if lounge.state == "OPEN"]
        self._lists: dict[tuple[str, str], tuple[Sequence[str], Sequence[Lounge]]] = {}

    def lounge(self, code: str) -> Lounge | None:
        return self._by_code.get(code)

    def listed(self, *, airport: str | None, city: str | None, first: int, after: str | None) -> Page[Lounge]:
        """Open lounges by code, behind the code `after`. airport: IATA code; city: its name in either language."""
        wanted = (_folded(airport), _folded(city).removesuffix("市"))
        codes, found = self._list(*wanted)
        begin = 0 if after is None else bisect_right(codes, after)
        return Page(tuple(found[begin : begin + first]), begin + first < len(found))

    def _list(self, airport: str, city: str) -> tuple[Sequence[str], Sequence[Lounge]]:
        kept = self._lists.get((airport, city))
        if kept is None:
            found = [
                lounge
                for lounge in self._open
                if airport in ("", _folded(lounge.airport.code))
                and city in ("", _folded(lounge.airport.city.zh).removesuffix("市"), _folded(lounge.airport.city.en))
            ]
            kept = ([lounge.code for lounge in found], found)
            if found:  # what nobody has is not worth remembering, and anybody can ask for it
                self._lists[airport, city] = kept
        return kept


def _folded(text: str | None) -> str:
    return (text or "").strip().casefold()
