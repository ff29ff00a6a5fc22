"""What this door says when nothing was answered.

Sentences an app may show to a customer are here in both languages. Refusals of a malformed request or document speak to
the developer who sent it and are English, like the messages of the GraphQL library beside them.
"""

from domain.kernel.words import Words

INTERNAL = Words("服务开小差了，请稍后再试。", "Something went wrong on our side. Please try again later.")
REFUSED = Words("请求未能完成。", "The request could not be completed.")

BY_CODE: dict[str, Words] = {
    "NOT_SIGNED_IN": Words("请先登录。", "Please sign in first."),
    "NOT_ALLOWED": Words("您没有权限进行此操作。", "You are not allowed to do this."),
    "REQUEST_REUSED": Words(
        "该请求编号已用于另一请求。", "This requestId was already used with another input; use a new one."
    ),
    "INPUT_INVALID": Words("提交的内容有误。", "The input is not valid."),
    "RATE_LIMITED": Words("操作过于频繁，请稍后再试。", "Too many requests. Please try again in a moment."),
    "BUSY": Words("当前访问人数较多，请稍后再试。", "The hall is busy right now. Please try again in a moment."),
}
"""The sentence for each code of the hall's own errors; other codes get `REFUSED`."""
