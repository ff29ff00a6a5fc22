"""People with names and fixed tokens, each there so that one rule of the plans can be seen. Listed in docs/demo.md.

Nobody here is real. Their stories hang on the end of the month told, so that "three days ago" is three days before the
hall was first started.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from domain.kernel.time import months_before
from infra.demo.teller import Card, Event, Teller, phone

FRIDAY, SATURDAY, SUNDAY = 4, 5, 6


@dataclass(frozen=True, slots=True)
class Persona:
    """rules: codes of the plans. shows: what to look at when signed in as this customer."""

    token: str
    name: str
    rules: str
    shows: str
    live: Callable[[Teller], None]

    def tell(self, start: date) -> list[Event]:
        teller = Teller(self.token, start)
        self.live(teller)
        return teller.events


_found: list[Persona] = []


def _persona(token: str, name: str, rules: str, shows: str) -> Callable[[Callable[[Teller], None]], None]:
    number = len(_found) + 1

    def add(live: Callable[[Teller], None]) -> None:
        _found.append(Persona(token, name, rules, shows, live))

    _names[token] = (name, number)
    return add


_names: dict[str, tuple[str, int]] = {}


def _known(
    tell: Teller,
    *,
    born: date,
    since_days: int,
    city: str = "上海",
    occupation: str = "WHITE_COLLAR",
    children: int = 0,
    assets_tier: int = 2,
) -> None:
    name, number = _names[tell.customer]
    tell.profile(
        tell.moment(since_days, "09:00"),
        name=name,
        phone=phone(number),
        birthday=born,
        city=city,
        occupation=occupation,
        children=children,
        assets_tier=assets_tier,
    )


def _newcomer(
    tell: Teller, product: str, *, days_ago: int, channel: str, flyer: str | None = None, activated: bool = True
) -> Card:
    """Applied, approved two days later, activated the day after, the last one `days_ago`."""
    card = tell.card(
        product,
        tell.moment(days_ago + 1, "11:00"),
        new=True,
        channel=channel,
        flyer=flyer,
        applied=tell.moment(days_ago + 3, "20:30"),
    )
    if activated:
        tell.activates(card, tell.moment(days_ago, "12:10"))
    return card


def _holder(tell: Teller, product: str, *, years: int) -> Card:
    """A customer of some years, who bought groceries a month before the plans began."""
    card = tell.card(product, months_before(tell.moment(30), 12 * years), new=True, channel="BRANCH")
    tell.activates(card, months_before(tell.moment(28), 12 * years))
    tell.buys(card, 8_640, "greengrocer-1", tell.moment(61, "18:20"))
    return card


def _sleeper(tell: Teller, product: str, *, woke_days_ago: int) -> Card:
    """Approved two years ago, never used, activated now."""
    card = tell.card(product, months_before(tell.end, 26), new=False, channel="BRANCH")
    tell.activates(card, tell.moment(woke_days_ago, "19:40"))
    return card


@_persona(
    "demo-lin",
    "林晓禾",
    "A1",
    "New customer of the mobile bank who bound WeChat: `bind-gift`, ¥10 phone credit, in the wallet",
)
def _lin(tell: Teller) -> None:
    _known(tell, born=date(1999, 3, 8), since_days=12)
    card = _newcomer(tell, "CLASSIC", days_ago=8, channel="MOBILE_BANK")
    tell.binds(card, "WECHAT", tell.moment(7, "21:05"))


@_persona("demo-wang", "王梓涵", "A2", "First purchase of ¥358 online: the choice of `first-spend` is open")
def _wang(tell: Teller) -> None:
    _known(tell, born=date(1996, 11, 2), since_days=14, city="杭州")
    card = _newcomer(tell, "GOLD", days_ago=9, channel="WEB")
    tell.buys(card, 35_800, "points-online-1", tell.moment(3, "20:14"), channel="ONLINE")


@_persona(
    "demo-ma",
    "马思远",
    "A3, A5",
    "Bill instalment of ¥6,000 in 12 periods: a fee waiver under way, a ¥60 repayment coupon; a choice open, too",
)
def _ma(tell: Teller) -> None:
    _known(tell, born=date(1993, 6, 17), since_days=25, city="南京")
    card = _newcomer(tell, "GOLD", days_ago=20, channel="MOBILE_BANK")
    tell.buys(card, 612_000, "online-1", tell.moment(15, "22:31"), channel="ONLINE")
    tell.instalment(card, 600_000, tell.moment(6, "10:45"), periods=12, fee=43_200)


@_persona("demo-zhou", "周慕白", "A4, A11", "CLASSIC card for the till: ¥50 off from ¥200 on Fridays 10:00–22:00")
def _zhou(tell: Teller) -> None:
    _known(tell, born=date(1988, 1, 25), since_days=400)
    card = _holder(tell, "CLASSIC", years=3)
    tell.buys(card, 18_800, "friday-market-1", tell.last(FRIDAY, "18:30"))


@_persona("demo-xu", "许清和", "A6", "Birthday this month: points at 250 % (¥1,000.50 earned 2,501)")
def _xu(tell: Teller) -> None:
    _known(tell, born=date(1990, tell.end.month, 15), since_days=400)
    card = _holder(tell, "GOLD", years=4)
    # Yesterday, or a month of points without the birthday when today is the first of one.
    tell.buys(card, 100_050, "online-2", tell.moment(1, "13:20"), channel="ONLINE")


@_persona(
    "demo-sun",
    "孙沐阳",
    "A7, A8, A9",
    "Family at the malls on a weekend: two chances in the `free-order` draw; `mall-pack` to claim",
)
def _sun(tell: Teller) -> None:
    _known(tell, born=date(1985, 9, 30), since_days=500, occupation="TEACHER", children=2, assets_tier=3)
    card = _holder(tell, "GOLD", years=5)
    tell.buys(card, 128_000, "mall-1", tell.last(SATURDAY, "15:20"))
    tell.buys(card, 68_600, "mall-2", tell.last(SUNDAY, "16:40"))


@_persona("demo-qian", "钱语桐", "A10", "Pays the travel platform with the card: `travel-ticket` and `travel-hotel`")
def _qian(tell: Teller) -> None:
    _known(tell, born=date(1991, 4, 12), since_days=500)
    card = _holder(tell, "GOLD", years=2)
    tell.buys(card, 86_000, "travel-1", tell.moment(10, "21:10"), channel="ONLINE")


@_persona("demo-he", "何知夏", "A11", "Empty wallet: `everyday-20-5` and `everyday-100-20` wait to be claimed")
def _he(tell: Teller) -> None:
    _known(tell, born=date(1997, 7, 7), since_days=300)
    card = _holder(tell, "CLASSIC", years=1)
    tell.buys(card, 2_650, "everyday-takeaway-1", tell.moment(2, "12:05"), channel="ONLINE")


@_persona(
    "demo-chen",
    "陈望舒",
    "A12, A13",
    "Dormant, activated two days ago: `come-back-pack` in the wallet; five days left for a first purchase of ¥100",
)
def _chen(tell: Teller) -> None:
    _known(tell, born=date(1983, 12, 1), since_days=800, city="成都", occupation="CIVIL_SERVANT")
    _sleeper(tell, "CLASSIC", woke_days_ago=2)


@_persona("demo-liu", "刘景行", "A12, A13", "Dormant, activated, then spent ¥168: a chance in the `wake-up` draw")
def _liu(tell: Teller) -> None:
    _known(tell, born=date(1979, 5, 20), since_days=800, occupation="ENGINEER")
    card = _sleeper(tell, "GOLD", woke_days_ago=6)
    tell.buys(card, 16_800, "come-back-1", tell.moment(4, "18:55"))


@_persona(
    "demo-tang", "唐雨薇", "A15", "Applied in a branch with a flyer's code: `flyer`, ¥20 phone credit, in the wallet"
)
def _tang(tell: Teller) -> None:
    _known(tell, born=date(2000, 2, 29), since_days=16)
    _newcomer(tell, "CLASSIC", days_ago=11, channel="BRANCH", flyer="FLYER-SH-0017")


@_persona("demo-hu", "胡亦然", "A2", "First purchase of ¥420, wholly refunded: the choice is gone, and why is told")
def _hu(tell: Teller) -> None:
    _known(tell, born=date(1995, 8, 19), since_days=19)
    card = _newcomer(tell, "GOLD", days_ago=14, channel="PARTNER")
    purchase = tell.buys(card, 42_000, "online-3", tell.moment(12, "23:02"), channel="ONLINE")
    tell.refunds(purchase, 42_000, tell.moment(8, "09:30"))


@_persona("demo-gao", "高明远", "A5", "Instalment of ¥8,000 cancelled: the cash-back coupon is taken back")
def _gao(tell: Teller) -> None:
    _known(tell, born=date(1987, 10, 10), since_days=300, city="杭州")
    card = _holder(tell, "GOLD", years=3)
    cancelled = tell.instalment(card, 800_000, tell.moment(9, "14:15"), periods=24, fee=96_000)
    tell.cancels(cancelled, tell.moment(5, "16:20"))


@_persona("demo-song", "宋时雨", "–", "Card closed ten days ago: nothing of the plans is for this customer any more")
def _song(tell: Teller) -> None:
    _known(tell, born=date(1976, 3, 3), since_days=900, occupation="SELF_EMPLOYED")
    card = _holder(tell, "CLASSIC", years=6)
    tell.buys(card, 23_400, "friday-dining-1", tell.moment(20, "19:00"))
    tell.closes(card, tell.moment(10, "11:11"))


@_persona(
    "demo-zhao",
    "赵云舒",
    "B1, B2",
    "New platinum customer: six lounge visits; one of three purchases of ¥999 towards `suitcase`",
)
def _zhao(tell: Teller) -> None:
    _known(tell, born=date(1986, 6, 6), since_days=15, occupation="EXECUTIVE", assets_tier=6)
    card = _newcomer(tell, "PLATINUM", days_ago=10, channel="MOBILE_BANK")
    tell.buys(card, 128_800, "shopping-1", tell.moment(5, "15:45"))
    tell.buys(card, 99_800, "shopping-2", tell.moment(4, "16:05"))  # 2 yuan short: does not count


@_persona("demo-feng", "冯若谷", "B1, B2", "Three purchases of ¥999 within 30 days: `suitcase` waits for an address")
def _feng(tell: Teller) -> None:
    _known(tell, born=date(1982, 11, 11), since_days=28, city="杭州", occupation="EXECUTIVE", assets_tier=7)
    card = _newcomer(tell, "PLATINUM", days_ago=22, channel="WEB")
    tell.buys(card, 99_900, "shopping-3", tell.moment(18, "14:00"))
    tell.buys(card, 326_000, "dining-3", tell.moment(11, "20:20"))
    tell.buys(card, 158_000, "points-online-3", tell.moment(4, "22:15"), channel="ONLINE")


@_persona(
    "demo-guo",
    "郭承泽",
    "B3, B4, B5, B10",
    "Platinum card of four years for the till, and for the club's evenings and tours",
)
def _guo(tell: Teller) -> None:
    _known(tell, born=date(1978, 2, 14), since_days=900, occupation="EXECUTIVE", assets_tier=8)
    card = _holder(tell, "PLATINUM", years=4)
    tell.buys(card, 88_000, "dining-1", tell.moment(7, "19:35"))


@_persona(
    "demo-luo",
    "罗绮文",
    "B6, B7",
    "Platinum, birthday this month: double points, three a yuan online, the gift of `birthday` to claim",
)
def _luo(tell: Teller) -> None:
    _known(tell, born=date(1984, tell.end.month, 21), since_days=700, occupation="DOCTOR", assets_tier=6)
    card = _holder(tell, "PLATINUM", years=3)
    tell.buys(card, 68_000, "points-online-2", tell.moment(1, "21:40"), channel="ONLINE")


@_persona(
    "demo-deng", "邓子衿", "B8, B9", "Platinum, spent abroad: currency fees waived; `overseas-hotel` to apply for"
)
def _deng(tell: Teller) -> None:
    _known(tell, born=date(1989, 9, 9), since_days=600, occupation="DOCTOR", assets_tier=7)
    card = _holder(tell, "PLATINUM", years=2)
    tell.buys(card, 486_000, "abroad-1", tell.moment(16, "11:30"), country="JP", currency="JPY")
    tell.buys(card, 672_500, "abroad-2", tell.moment(15, "17:10"), country="JP", currency="JPY")
    tell.buys(card, 54_300, "abroad-2", tell.moment(14, "12:40"), country="JP", currency="JPY")


@_persona("demo-yuan", "袁嘉树", "A, B", "Holds a GOLD and a PLATINUM card: the offers of both plans")
def _yuan(tell: Teller) -> None:
    _known(tell, born=date(1981, 8, 8), since_days=900, occupation="ENGINEER", children=1, assets_tier=6)
    gold = _holder(tell, "GOLD", years=6)
    platinum = tell.card("PLATINUM", months_before(tell.moment(30), 8), new=False, channel="BRANCH")
    tell.activates(platinum, months_before(tell.moment(27), 8))
    tell.binds(gold, "ALIPAY", months_before(tell.moment(27), 6))
    tell.buys(gold, 25_600, "friday-market-2", tell.last(FRIDAY, "17:45"), method="ALIPAY")
    tell.buys(platinum, 76_800, "dining-2", tell.moment(6, "19:15"))


@_persona("demo-mei", "梅若雪", "B11", "Applied for a card five days ago, no answer yet: what a prospect sees")
def _mei(tell: Teller) -> None:
    _known(tell, born=date(2001, 1, 31), since_days=5)
    application = "application-demo-mei-1"
    tell.say(
        "card.applied",
        application,
        tell.moment(5, "22:22"),
        {"application": application, "customer": tell.customer, "product": "GOLD", "channel": "MOBILE_BANK"},
    )


PERSONAS: tuple[Persona, ...] = tuple(_found)
SHOWN = "demo-ma"
"""Whom `hall run` gives a token of: a wallet with a coupon, an open choice, a delivery under way."""
