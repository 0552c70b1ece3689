"""The kinds of server that are simulated, and where they differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flavour:
    """How one kind of server answers.

    `whole_organization`: it has the organization-wide key listing (Sentry since December 2025).
    `credentials`: it has lists of integrations, organization tokens and legacy API keys;
    `token_list_for_tokens`: it gives that of organization tokens to tokens, not only to people.
    `strict_per_page`: per_page=0 is refused; 23.7.1 answers with a cursor that never moves.
    `longest_page`: no page has more rows, whatever was asked for; small ones make small worlds do.
    """

    name: str
    whole_organization: bool
    default_per_page: int
    strict_per_page: bool
    glitchtip: bool = False
    credentials: bool = True
    token_list_for_tokens: bool = True
    longest_page: int = 100

    @property
    def per_page_error(self) -> str:
        """What the server says of a per_page out of range."""
        if self.strict_per_page:
            return "Invalid per_page value. Must be between 1 and 100."
        return "Invalid per_page value. Cannot exceed 100."


TODAY = Flavour("today", whole_organization=True, default_per_page=10, strict_per_page=True)
SELF_HOSTED_23_7 = Flavour(
    "23.7.1", whole_organization=False, default_per_page=100, strict_per_page=False
)
GLITCHTIP = Flavour(
    "glitchtip",
    whole_organization=False,
    default_per_page=50,
    strict_per_page=True,
    glitchtip=True,
    credentials=False,
)
