"""The provider's fields: `GET /v1/lounges?updated_since=&cursor=` answers `{items: [...], next_cursor}`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.kernel.words import Words
from domain.lounge.facts import LoungeState
from domain.lounge.feed import LoungeNews


class Unreadable(ValueError):
    """An answer that is not what was agreed."""


def read_page(body: Any) -> tuple[list[LoungeNews], str | None]:
    """The lounges of a page, and the cursor to go on with. Raises Unreadable."""
    try:
        return [read_lounge(item) for item in body["items"]], body.get("next_cursor") or None
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise Unreadable(f"a page of lounges: {wrong!r}") from wrong


def read_lounge(item: Mapping[str, Any]) -> LoungeNews:
    """open_hours: the first stretch of the day is taken; a lounge without one is closed."""
    hours, name = item["open_hours"], item["name"]
    told_at = datetime.fromisoformat(item["updated_at"])
    if told_at.tzinfo is None:
        raise ValueError("updated_at has no offset")
    words = Words(name["zh"], name["en"]) if isinstance(name, Mapping) else Words(str(name), str(name))
    is_open = item["status"] == "OPEN" and bool(hours)
    return LoungeNews(
        code=str(item["lounge_code"]),
        airport=str(item["airport_iata"]),
        name=words,
        terminal=str(item["terminal"]),
        airside=item["airside"] is True,
        hours=hours[0] if hours else "00:00-24:00",
        amenities=tuple(str(code) for code in item["amenities"]),
        stay=item.get("max_stay_min"),
        state=LoungeState.OPEN if is_open else LoungeState.CLOSED,
        told_at=told_at,
    )


def write_lounge(news: LoungeNews) -> dict[str, Any]:
    """The inverse, as the provider writes it."""
    return {
        "lounge_code": news.code, "airport_iata": news.airport, "name": {"zh": news.name.zh, "en": news.name.en},
        "terminal": news.terminal, "airside": news.airside, "open_hours": [news.hours],
        "amenities": list(news.amenities), "max_stay_min": news.stay, "status": news.state.value,
        "updated_at": news.told_at.isoformat(),
    }  # fmt: skip
