"""Settings as values: what the command line said, and what all places together come to."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scanner.base.errors import Location, UsageError
from scanner.base.given import GivenParams
from scanner.catalogue import URL_SETTING
from scanner.config.trust import Trust
from scanner.gate import OnUnknown, PolicyThresholds, Thresholds
from scanner.model.outcome import Severity
from scanner.model.token import Token
from scanner.triage.interface import NOTICE_DAYS, TERM_DAYS, TriageRequest

if TYPE_CHECKING:
    from scanner.notify.interface import Channel


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line said; empty or None where it said nothing.

    `params` are NAME=VALUE as given. There is no flag for the token: other users of the machine
    could read it in the list of processes.
    """

    organizations: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    url: str | None = None
    policies: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    fail_on: str | None = None
    on_unknown: str | None = None
    allow_partial: bool | None = None
    max_findings: tuple[str, ...] = ()
    waivers: str | None = None
    baseline: str | None = None
    owners: str | None = None
    strict_waivers: bool | None = None
    history: str | None = None
    history_inventory: bool | None = None
    fail_on_overdue: bool | None = None
    fail_if_due_within: str | None = None
    no_color: bool = False
    locked_config: str | None = None


class Terminal(msgspec.Struct, frozen=True):
    """What the environment says of the terminal.

    `color` is None where the terminal itself decides; `columns` is None where it is not told.
    """

    color: bool | None
    columns: int | None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, each checked. `fail_on` None means never; `url` has no trailing slash.

    `locked` is the one file that settings were taken from, and what said so. `origins` tells for
    each setting that was given where it came from, see `origin`, and `trust` how far that place
    is trusted. `policies_place` is the line of a file of settings that names the policies.

    `memory` is in bytes, None for what the machine has. `fail_if_due_within` is in days.
    """

    organizations: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    url: str | None = None
    token: Token | None = None
    policies: tuple[str, ...] = ()
    params: GivenParams = msgspec.field(default_factory=lambda: GivenParams({}))
    fail_on: Severity | None = Severity.LOW
    on_unknown: OnUnknown = OnUnknown.FAIL
    allow_partial: bool = False
    max_findings: dict[Severity, int] = {}
    gate: dict[str, PolicyThresholds] = {}
    waivers: Path | None = None
    baseline: Path | None = None
    owners: Path | None = None
    strict_waivers: bool = False
    waiver_term_days: int = TERM_DAYS
    waiver_notice_days: int = NOTICE_DAYS
    history: Path | None = None
    history_inventory: bool = True
    sla: dict[Severity, timedelta] = {}
    fail_on_overdue: bool = False
    fail_if_due_within: int | None = None
    memory: int | None = None
    notify: "tuple[Channel, ...]" = ()
    terminal: Terminal
    locked: tuple[str, str] | None = None
    origins: dict[str, str] = {}
    trust: dict[str, Trust] = {}
    policies_place: Location | None = None
    warnings: tuple[str, ...] = ()

    def origin(self, name: str) -> str:
        """Say where a setting came from, for messages: "SENTRY_ORG in .env", or "the default"."""
        return self.origins.get(name, "the default")

    def check_recipient(self, hosted: str) -> None:
        """Raise UsageError where the token would go to a server that a less trusted place names.

        Every token may go to `hosted`, the server without any setting: nobody named it.
        """
        # Imported here: most scans of files name no server.
        from scanner.http.origin import origin  # noqa: PLC0415

        if self.url is None or self.token is None or origin(self.url) == origin(hosted):
            return
        if self.trust["url"] < self.trust["token"]:
            raise UsageError(
                f"the token ({self.origin('token')}) would go to {self.url}, which only a less"
                " trusted place names",
                where=self.origin("url"),
                remedy=f"If it is your server, say so yourself: --url {self.url}, or"
                f" {URL_SETTING} in the environment.",
            )

    @property
    def thresholds(self) -> Thresholds:
        """What the gate tolerates."""
        return Thresholds(
            self.fail_on,
            self.on_unknown,
            self.allow_partial,
            self.max_findings,
            self.gate,
            self.fail_on_overdue,
            self.fail_if_due_within,
        )

    @property
    def triage(self) -> TriageRequest:
        """What triage tolerates."""
        return TriageRequest(
            waivers=self.waivers,
            baseline=self.baseline,
            owners=self.owners,
            strict_waivers=self.strict_waivers,
            term_days=self.waiver_term_days,
            notice_days=self.waiver_notice_days,
        )
