"""The notice that points end soon."""

from domain.kernel.words import Words

ENDING_TITLE = Words("积分即将到期", "Points about to expire")
ENDING_BODY = Words(
    "您有{points}积分将于{day}到期，请及时使用。",
    "{points} of your points expire at the end of {day}. Use them in time.",
)
