"""Live changes as edits of a campaign file's text: what is not changed stays as it was written, comments too.

The text has been read before, so it holds no tags, anchors or second document; an edit replaces or adds single values,
found by where they stand.
"""

from datetime import datetime
from typing import assert_never

import yaml

from domain.campaigns.model import Campaign, Offer
from domain.kernel.time import DAY, SHANGHAI
from domain.operate.changes import EndEarly, Extend, LiveChange, Pause, Resume, SetPaymentMethods, SetQuota
from domain.operate.classify import methods_of


def edited(text: str, change: LiveChange, after: Campaign) -> str:
    """The file that says what `after` is. Raises ValueError where the file has no place to say it in."""
    root = _root(text)
    if change.offer is None:
        assert isinstance(change, Extend)
        phases = _value(root, "phases")
        assert isinstance(phases, yaml.MappingNode)
        days = (after.phases.ends_at - after.phases.starts_at) // DAY
        return _set(text, phases, "active", f"{days}d")
    offer = _offer(root, change.offer)
    made = after.offer(change.offer)
    assert made is not None
    match change:
        case SetQuota(target=target):
            return _set(text, offer, "quota", f"{target:_}")
        case Pause():
            return _set(text, offer, "paused", "true")
        case Resume():
            return _set(text, offer, "paused", "false")
        case EndEarly() | Extend():
            return _between(text, offer, made)
        case SetPaymentMethods():
            return _methods(text, offer, made)
        case _:
            assert_never(change)


def _between(text: str, offer: yaml.MappingNode, made: Offer) -> str:
    assert made.between is not None
    between = _value(offer, "between")
    if isinstance(between, yaml.MappingNode):
        return _set(text, between, "to", _moment(made.between.closes_at))
    opens, closes = _moment(made.between.opens_at), _moment(made.between.closes_at)
    return _set(text, offer, "between", f"{{from: {opens}, to: {closes}}}")


def _methods(text: str, offer: yaml.MappingNode, made: Offer) -> str:
    named = "[" + ", ".join(method.value for method in methods_of(made)) + "]"
    if _value(offer, "openToAll") is not None:
        text = _without(text, offer, "openToAll")
        offer = _offer(_root(text), made.code)
    conditions = _value(offer, "if")
    if conditions is None:
        return _set(text, offer, "if", f"[{{paymentMethod: {named}}}]")
    if not isinstance(conditions, yaml.SequenceNode):
        raise ValueError("`if` is not a list")
    for item in conditions.value:
        if isinstance(item, yaml.MappingNode) and _value(item, "paymentMethod") is not None:
            return _set(text, item, "paymentMethod", named)
    last = conditions.value[-1]
    at = _end(last)
    if conditions.flow_style:
        return f"{text[:at]}, {{paymentMethod: {named}}}{text[at:]}"
    # The dash of a block list stands in the column of the sequence; the item's own mark is behind it.
    return _line_behind(text, at, f"{' ' * conditions.start_mark.column}- paymentMethod: {named}")


def _moment(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def _root(text: str) -> yaml.MappingNode:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return root


def _offer(root: yaml.MappingNode, code: str) -> yaml.MappingNode:
    offers = _value(root, "offers")
    assert isinstance(offers, yaml.SequenceNode)
    for offer in offers.value:
        named = _value(offer, "code")
        if isinstance(named, yaml.ScalarNode) and named.value == code:
            assert isinstance(offer, yaml.MappingNode)
            return offer
    raise ValueError(f"no offer {code} in the file")


def _value(table: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(table, yaml.MappingNode):
        return None
    return next((value for name, value in table.value if name.value == key), None)


def _set(text: str, table: yaml.MappingNode, key: str, written: str) -> str:
    """`key: written` in the place of the present value, else behind the table's first entry."""
    present = _value(table, key)
    if present is not None:
        return text[: present.start_mark.index] + written + text[_end(present) :]
    name, value = table.value[0]
    at = _end(value)
    if table.flow_style:
        return f"{text[:at]}, {key}: {written}{text[at:]}"
    return _line_behind(text, at, f"{' ' * name.start_mark.column}{key}: {written}")


def _line_behind(text: str, at: int, line: str) -> str:
    """A line of its own behind the one in which `at` is; a comment there stays where it is."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return f"{text[:end]}\n{line}{text[end:]}"


def _without(text: str, table: yaml.MappingNode, key: str) -> str:
    """Takes a whole line away."""
    name, value = next(entry for entry in table.value if entry[0].value == key)
    begins = text.rfind("\n", 0, name.start_mark.index) + 1
    ends = text.find("\n", _end(value)) + 1
    if table.flow_style or not ends or text[begins : name.start_mark.index].strip():
        raise ValueError(f"`{key}` does not stand in a line of its own")
    return text[:begins] + text[ends:]


def _end(node: yaml.Node) -> int:
    """Behind its last character. A block collection's own mark is behind the blank lines and comments after it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    index: int = node.end_mark.index
    return index
