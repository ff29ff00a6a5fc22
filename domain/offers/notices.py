"""What a customer is told about what they asked for. Chinese first, English second."""

from domain.kernel.words import Words

APPROVED_TITLE = Words("申请已通过", "Your application is approved")
APPROVED = Words(
    "您申请的「{zh}」已通过，权益已放入您的卡包。", "“{en}”: your application is approved; see your wallet."
)
REJECTED_TITLE = Words("申请未通过", "Your application is declined")
REJECTED = Words("您申请的「{zh}」未通过。{note}", "“{en}”: your application is declined. {note}")
PLACE_TITLE = Words("候补成功", "You have a place")
PLACE = Words(
    "您候补的「{zh}」有名额了，已为您确认。如不能参加，请及时取消。",
    "“{en}”: a place has come free and is yours. Please cancel if you cannot come.",
)


def about(words: Words, title: Words, **values: object) -> Words:
    """The sentence in both languages, about an offer of this title."""
    return Words(
        words.zh.format(zh=title.zh, en=title.en, **values), words.en.format(zh=title.zh, en=title.en, **values)
    )
