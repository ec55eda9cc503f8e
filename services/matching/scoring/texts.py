"""What is compared: texts of the two sides, each in one language."""

from dataclasses import dataclass

from shared.vocabulary import Language


@dataclass(frozen=True)
class Text:
    """One side's words."""

    title: str
    """Empty where it would be a company's name, which is no evidence."""
    body: str
    language: Language

    @property
    def heading(self) -> str:
        """What the text is about, in its shortest form."""
        return self.title or self.body

    @property
    def whole(self) -> str:
        """All of it."""
        return f"{self.title}\n{self.body}".strip()
