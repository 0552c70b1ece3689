"""Columns that count the rows of other tables: which columns of those they need."""

from scanner.catalogue import COUNTED, TABLES
from scanner.model.inventory import Needs


def with_counted(needs: Needs) -> Needs:
    """Return the needs with the rows that are counted for the columns that are read."""
    columns = dict(needs.columns)
    for table, counts in COUNTED.items():
        for count in counts & needs.columns.get(table, frozenset()):
            for counted, read in TABLES[table].columns[count].counts:
                columns[counted] = columns.get(counted, frozenset()) | read
    return Needs(columns)
