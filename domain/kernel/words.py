"""Words a customer reads, in Chinese and English side by side."""

from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    ZH = "zh-CN"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The same sentence in both languages; `{name}` places are filled by `say`."""

    zh: str
    en: str

    def say(self, language: Language, **values: object) -> str:
        text = self.en if language is Language.EN else self.zh
        return text.format(**values) if values else text
