"""What nobody can answer in the app. A refusal the customer can meet is data, never one of these."""


class HallError(Exception):
    """Base of the hall's own errors. `code` is stable and SCREAMING_SNAKE."""

    code = "INTERNAL"


class NotSignedIn(HallError):
    code = "NOT_SIGNED_IN"


class NotAllowed(HallError):
    code = "NOT_ALLOWED"


class RequestReused(HallError):
    """The same requestId came before with another input: a client's bug."""

    code = "REQUEST_REUSED"


class InputInvalid(HallError):
    """An input that fits its type but says nothing (a quantity of 0, a broken cursor)."""

    code = "INPUT_INVALID"


class Busy(HallError):
    """More is waiting than the hall will queue; nothing was done. Answered 503 with Retry-After."""

    code = "BUSY"


class RateLimited(HallError):
    """Too often; nothing was done. `retry_after`: whole seconds, at least 1. Answered 429 with Retry-After."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class Broken(HallError):
    """Our bug: nothing was written, someone is paged."""

    code = "INTERNAL"
