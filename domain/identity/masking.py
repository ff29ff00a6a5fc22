"""How much of a person may be shown (source: JR/T 0171-2020, annex A)."""

_STARS = "**"


def mask_name(name: str) -> str:
    """`张三丰` as `张**`: the first character only, and not how many follow."""
    name = name.strip()
    return name[:1] + _STARS if name else ""


def mask_phone(phone: str) -> str:
    """`138 1234 5678` as `138****5678`; the country's code is left out. Too short to hide anything: only stars."""
    digits = "".join(c for c in phone if c.isascii() and c.isdigit())
    if len(digits) > 11 and digits.startswith(("86", "0086")):
        digits = digits[-11:]
    if not digits:
        return ""
    if len(digits) < 10:
        return "****" + digits[-2:] if len(digits) > 6 else "****"
    return f"{digits[:3]}****{digits[-4:]}"


def mask_card(last4: str) -> str:
    """`1234` as `**** 1234`."""
    return f"**** {last4}" if last4 else "****"
