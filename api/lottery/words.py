"""What the draws' room says."""

from domain.kernel.words import Words

NO_CHANCE = Words("暂无抽奖机会，达标后再来。", "You have no draw chance yet; come back once you have earned one.")
CLOSED = Words("抽奖暂未开放，抽奖机会仍为您保留。", "This draw is closed for now. A chance you have is kept for you.")
