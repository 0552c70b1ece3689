"""What a run kept, judged anew as of then: in come a run and settings, out comes a scan."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from scanner.config.settings import Settings
from scanner.history.folder import StoredRun
from scanner.history.kept import KeptFiles, KeptSource
from scanner.model.run import Run
from scanner.pipeline import ScanRequest, scan


@contextmanager
def replayed(
    run: StoredRun, settings: Settings, *, table: bool = False, ahead: int = 0
) -> Iterator[Run]:
    """Scan what a run kept: with the policies that are named, or with its own and its waivers.

    `ahead` is for how many days to look ahead, 0 for none. Raises DamageError.
    """
    with TemporaryDirectory(prefix="keypolicy-") as private:
        folder = Path(private, "table")
        folder.mkdir()
        request = ScanRequest(
            source=KeptSource(run),
            scope=run.manifest.looked.scope,
            policies=settings.policies,
            params=settings.params,
            as_of=run.manifest.run.as_of,
            thresholds=msgspec.structs.replace(settings.thresholds, overdue_only=False),
            triage=msgspec.structs.replace(settings.triage, baseline=None),
            policies_place=settings.policies_place,
            folder=folder if table else None,
            ahead=ahead,
        )
        if not settings.policies:
            files = KeptFiles.unpacked(run, Path(private))
            request = msgspec.structs.replace(
                request,
                policies=files.policies,
                params=run.manifest.params,
                triage=files.triage,
                policies_place=None,
            )
        with scan(request) as found:
            yield found
