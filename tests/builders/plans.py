"""A small campaign file that is right in everything; a test changes what it is about."""

_DRAW = """
draws:
  - code: kettles
    title: {{zh: 茶壶抽奖, en: Kettle draw}}
    line: gifts
    prizes:
      - {{code: kettle, title: {{zh: 茶壶, en: Kettle}}, odds: 1_000 ppm, stock: {stock}, value: 200 yuan}}
      - {{code: thanks, title: {{zh: 谢谢参与, en: Thank you}}, odds: 999_000 ppm, value: 0 yuan, consolation: true}}
"""

_CHANCE = """
  - code: kettle-chance
    section: tea
    title: {zh: 茶壶抽奖, en: Kettle draw}
    trigger: claim
    limits: [{per: customer, period: campaign, max: 1}]
    rewards: [{drawChance: {draw: kettles, valid: 30d}}]
"""

_OFFER = """
  - code: cup
    section: tea
    title: {title}
    trigger: {trigger}
    {conditions}
    limits: [{{per: customer, period: campaign, max: 1}}]
    quota: {quota}
    rewards:
      - coupon: {{code: cup, kind: CASH, title: {{zh: 茶杯券, en: Cup}}, value: 5 yuan, valid: 30d}}
    line: gifts
"""


def plan(
    *,
    code: str = "tea",
    title: str = "{zh: 茶杯, en: Cup}",
    trigger: str = "claim",
    conditions: str = "",
    quota: str = "100",
    total: str = "1_000 yuan",
    lines: str = "{gifts: 1_000 yuan}",
    phases: str = "{warmUp: 10d, active: 90d, closing: 7d}",
    groups: str = "{teahouse: {zh: 茶馆, en: tea houses}}",
    draw_stock: str | None = None,
    more: str = "",
) -> str:
    """The file's text. conditions: a whole `if: [...]` line. draw_stock: with a draw. more: further offers, as text."""
    head = f"""
code: {code}
title: {{zh: 茶事, en: Tea}}
phases: {phases}
audience: {{products: [GOLD]}}
budget: {{total: {total}, lines: {lines}}}
merchantGroups: {groups}
sections:
  - {{code: tea, title: {{zh: 茶, en: Tea}}}}
"""
    draw = "" if draw_stock is None else _DRAW.format(stock=draw_stock)
    offers = _OFFER.format(title=title, trigger=trigger, conditions=conditions, quota=quota)
    chance = "" if draw_stock is None else _CHANCE
    return f"{head}{draw}offers:{offers}{chance}{more}"
