"""Loads policies: the one entry of this layer."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import Location, PolicyError, Problem, UsageError
from scanner.base.files import real
from scanner.base.hints import did_you_mean
from scanner.model.rule import Policy
from scanner.policy.compile import Compiler
from scanner.policy.composition import Composition
from scanner.policy.files.locate import (
    PolicyFile,
    file_meant,
    find_extended,
    select,
    shipped_policies,
)
from scanner.policy.files.unit import Unit, read_unit
from scanner.policy.merge import MergedPolicy
from scanner.policy.parts import RulePredicate
from scanner.policy.together import together

_NO_PARAMS: Final[dict[str, str]] = {}
_MAX_CHAIN: Final = 20


class Inspection(msgspec.Struct, frozen=True):
    """Everything that loading found out: sound policies, how they came about, and problems.

    `parts` are the predicates of rules that are not in the policies because of a problem.
    """

    policies: tuple[Policy, ...]
    merged: tuple[MergedPolicy, ...]
    problems: list[Problem]
    parts: tuple[RulePredicate, ...] = ()

    def sound(self) -> "Inspection":
        """Return the inspection where it found no problem; raises PolicyError with all of them."""
        if self.problems:
            raise PolicyError(self.problems)
        return self


def load_policies(
    refs: Sequence[str], params: Mapping[str, str] = _NO_PARAMS, named: Location | None = None
) -> tuple[Policy, ...]:
    """Load policies by name, file or folder, with parameters from the command line.

    `named` is the line of a file of settings that names them, if one does. Raises UsageError if a
    ref names nothing, and PolicyError with all problems of all files.
    """
    return together(inspect_policies(refs, params, named).sound().policies)[0]


def files_read(refs: Sequence[str]) -> list[Path]:
    """Return the files of these policies and of all that they extend, as far as they are found.

    What is wrong with them is for loading to tell.
    """
    merger = _Merger()
    for ref in refs:
        with suppress(UsageError):
            for file in select([ref]):
                merger.merge_selected(file)
    return merger.files


def inspect_policies(
    refs: Sequence[str], params: Mapping[str, str] = _NO_PARAMS, named: Location | None = None
) -> Inspection:
    """Do as load_policies, but return the problems with what is sound; raises UsageError."""
    merger = _Merger()
    merged = [policy for file in select(refs) if (policy := merger.merge_selected(file))]
    compiler = Compiler(params, named)
    policies = tuple(compiler.compile(policy) for policy in merged)
    compiler.finish()
    problems = [*merger.problems, *compiler.problems, *together(policies)[1]]
    in_order = sorted(dict.fromkeys(problems), key=_file_order)
    given = [msgspec.structs.replace(policy, given=params) for policy in merged]
    return Inspection(policies, tuple(given), in_order, tuple(compiler.parts))


class _Merger:
    """Reads files and merges them along `extends`, each file once."""

    def __init__(self) -> None:
        self._merged: dict[Path, MergedPolicy | None] = {}
        self._cycles: set[frozenset[Path]] = set()
        self.problems: list[Problem] = []

    @property
    def files(self) -> list[Path]:
        """All files that were looked at."""
        return list(self._merged)

    def merge_selected(self, file: PolicyFile) -> MergedPolicy | None:
        """Merge a policy that the user named; None if it cannot be read at all."""
        merged = self._merge(file, [])
        if merged is not None and not file.satisfied_by(merged.version):
            message = f"{merged.name} is version {merged.version}, not {file.pin}"
            raise UsageError(message, where="--policy", remedy="Ask for the version there is.")
        return merged

    def _merge(self, file: PolicyFile, chain: list[Unit]) -> MergedPolicy | None:
        path = real(file.path)
        if path not in self._merged:
            self._merged[path] = self._merge_new(file, chain)
        return self._merged[path]

    def _merge_new(self, file: PolicyFile, chain: list[Unit]) -> MergedPolicy | None:
        try:
            reading = read_unit(file.path, file.shown)
        except PolicyError as error:
            self.problems += error.problems
            return None
        unit = reading.unit
        self.problems += [*reading.problems, *_impostor(unit)]
        parents: list[tuple[int, MergedPolicy]] = []
        for index, ref in enumerate(unit.extends):
            parent = self._parent(unit, index, ref, [*chain, unit])
            if parent is not None:
                parents.append((index, parent))
        composition = Composition(unit, parents, open_ended=len(parents) < len(unit.extends))
        merged = composition.merge()
        self.problems += composition.problems
        return merged

    def _parent(self, unit: Unit, index: int, ref: str, chain: list[Unit]) -> MergedPolicy | None:
        try:
            file = find_extended(ref, unit.source.name, unit.path)
        except UsageError as error:
            self._add(unit, index, f"`{ref}` {error.message}", "out-of-reach", error.remedy)
            return None
        if file is None:
            hint = file_meant(ref, unit.path.parent) or did_you_mean(
                ref, shipped_policies(), kind="shipped policies"
            )
            message = f"no policy or file `{ref}`"
            hint += " A path is relative to this file."
            self._add(unit, index, message, "unknown-policy", hint)
            return None
        if self._circular(unit, index, file, chain):
            return None
        parent = self._merge(file, chain)
        if parent is not None and not file.satisfied_by(parent.version):
            message = f"{parent.name} is version {parent.version}, not {file.pin}"
            hint = "Ask for the version there is, and look at what changed."
            self._add(unit, index, message, "version-mismatch", hint)
        return parent

    def _circular(self, unit: Unit, index: int, file: PolicyFile, chain: list[Unit]) -> bool:
        paths = [real(link.path) for link in chain]
        path = real(file.path)
        if path not in paths:
            if len(chain) < _MAX_CHAIN:
                return False
            message = f"more than {_MAX_CHAIN} policies extend one another"
            self._add(unit, index, message, "too-deep", "Put some of them together.")
            return True
        circle = chain[paths.index(path) :]
        members = frozenset(paths[paths.index(path) :])
        if members not in self._cycles:
            self._cycles.add(members)
            names = [*(link.source.name for link in circle), circle[0].source.name]
            message = f"policies extend one another in a circle: {' -> '.join(names)}"
            self._add(unit, index, message, "extends-cycle", "Take one of the links out.")
        return True

    def _add(self, unit: Unit, index: int, message: str, code: str, hint: str) -> None:
        self.problems.append(unit.source.problem(("extends", index), message, code, hint=hint))


def _impostor(unit: Unit) -> list[Problem]:
    """Find a file that calls itself by the name of a shipped policy and is another one.

    Reports tell policies by name: whoever reads "sentry-baseline" must not be shown less.
    """
    shipped = shipped_policies().get(unit.name.lower())
    if shipped is None or shipped.resolve() == unit.path.resolve():
        return []
    if shipped.read_bytes().splitlines() == unit.source.raw.splitlines():
        return []  # a copy, such as that of a checkout of the product beside an installed one
    message = f"`{unit.name}` is the name of a shipped policy, and this is another"
    hint = "Give it a name of its own; with `extends` it takes the shipped one's rules over."
    return [unit.source.problem(("policy",), message, "reserved-name", hint=hint)]


def _file_order(problem: Problem) -> tuple[str, int, int]:
    return (problem.location.file, problem.location.line, problem.location.column)
