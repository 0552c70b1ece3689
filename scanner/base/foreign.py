"""What every SARIF log that we write says of its format, for whoever writes one."""

from typing import Final

VERSION: Final = "2.1.0"
SCHEMA: Final = f"https://json.schemastore.org/sarif-{VERSION}.json"
"""Where the schema of that version is published."""
