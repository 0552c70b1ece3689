"""`keypolicy fix`: the name of a step goes in, the exit code of that step comes out.

One module a step, which declares its arguments and runs, as a verb does.
"""

import argparse
import importlib
from typing import Final

STEPS: Final = {
    "plan": "say what would be changed to mend the open findings; changes nothing",
    "apply": "change keys as a saved plan says, one by one, and write an audit log",
    "undo": "make a plan that takes back what an audit log tells of; changes nothing",
    "status": "show the rotations of keys that are under way",
    "export": "write keys as code, for Terraform or Alchemy",
}
"""Each step with what it does; the module of the same name in this room does it."""

EXIT_CODES: Final = """\
exit codes:
  0  nothing is to be changed, or all was changed as planned
  1  changes are planned, or not all of them were applied
  2  wrong usage, configuration, policy, inventory file or plan
  3  not everything that matters could be seen
  4  internal error

Nothing is changed but by `fix apply`.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of every step."""
    steps = parser.add_subparsers(title="steps", metavar="STEP", dest="step", required=True)
    for name, summary in STEPS.items():
        sub = steps.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=EXIT_CODES,
        )
        importlib.import_module(f"{__name__}.{name}").add_arguments(sub)


def run(namespace: argparse.Namespace) -> int:
    """Run the step and return its exit code."""
    code: int = importlib.import_module(f"{__name__}.{namespace.step}").run(namespace)
    return code
