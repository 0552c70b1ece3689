"""A Sentry-shaped HTTP server on loopback, built from what real servers were seen to do."""

from tests.simulator import faults
from tests.simulator.flavour import GLITCHTIP, SELF_HOSTED_23_7, TODAY, Flavour
from tests.simulator.generate import NOW, make_world
from tests.simulator.message import Request, Response
from tests.simulator.server import Simulator
from tests.simulator.throttle import Limits
from tests.simulator.world import (
    CANARY,
    ApiKey,
    ApiToken,
    Integration,
    Key,
    Organization,
    OrgToken,
    Project,
    TokenKind,
    World,
)

__all__ = [
    "CANARY",
    "GLITCHTIP",
    "NOW",
    "SELF_HOSTED_23_7",
    "TODAY",
    "ApiKey",
    "ApiToken",
    "Flavour",
    "Integration",
    "Key",
    "Limits",
    "OrgToken",
    "Organization",
    "Project",
    "Request",
    "Response",
    "Simulator",
    "TokenKind",
    "World",
    "faults",
    "make_world",
]
