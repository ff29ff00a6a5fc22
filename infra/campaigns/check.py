"""Everything the hall has to say about a campaign file: what cannot be read, and what lint finds in what can."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from domain.campaigns.lint import Severity, lint
from domain.campaigns.model import Campaign
from infra.campaigns.loader import HERE, SHIPPED, Elsewhere, Head, Loaded, head_of, load_campaign
from infra.campaigns.tree import CampaignUnreadable, FileError


@dataclass(frozen=True, slots=True)
class Checked:
    """campaign: None where the file could not be read. errors, warnings: in the order of the file's lines."""

    campaign: Campaign | None
    errors: tuple[FileError, ...]
    warnings: tuple[FileError, ...]


def check(text: str, *, file: str, starts_on: date | None = None, elsewhere: Elsewhere | None = None) -> Checked:
    """elsewhere: codes of other campaigns; those of the shipped plans unless given."""
    try:
        loaded = load_campaign(
            text,
            file=file,
            starts_on=starts_on,
            elsewhere=beside(head_of(text).code) if elsewhere is None else elsewhere,
        )
    except CampaignUnreadable as unreadable:
        return Checked(None, unreadable.errors, ())
    return Checked(loaded.campaign, found(loaded, file, Severity.ERROR), found(loaded, file, Severity.WARNING))


def found(loaded: Loaded, file: str, severity: Severity) -> tuple[FileError, ...]:
    """What lint finds in a file that could be read."""
    return tuple(
        FileError(file, each.line, 1, each.path, each.message, each.remedy)
        for each in lint(loaded.campaign, loaded.lines)
        if each.severity is severity
    )


def beside(code: str) -> Elsewhere:
    """The codes of the shipped plans other than `code`."""
    return elsewhere_of({head.code: head for head in map(_shipped_head, SHIPPED) if head.code != code})


def elsewhere_of(heads: dict[str, Head]) -> Elsewhere:
    """The codes that these campaigns have."""
    return Elsewhere(
        offers={offer: code for code, head in heads.items() for offer in head.offers},
        draws={draw: code for code, head in heads.items() for draw in head.draws},
    )


def _shipped_head(name: str) -> Head:
    return head_of((HERE / name).read_text(encoding="utf-8"))


def read_file(path: Path) -> str:
    """The file's text. Raises CampaignUnreadable where there is none to be had."""

    def unreadable(message: str, remedy: str) -> CampaignUnreadable:
        return CampaignUnreadable((FileError(str(path), 1, 1, "", message, remedy),))

    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise unreadable(f"the file cannot be opened ({error.strerror}).", "Check its name.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        fault = FileError(str(path), line, 1, "", "this line is not UTF-8.", "Save the file as UTF-8.")
        raise CampaignUnreadable((fault,)) from None
