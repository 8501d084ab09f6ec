"""Owns the database: one connection per container, transactions that keep their promises, named queries."""

from kernel.postgres.connection import Postgres
from kernel.postgres.failures import DatabaseContention, UnexpectedRows
from kernel.postgres.fence import Fence
from kernel.postgres.partitions import DaysNotReleased, Maintenance, Partitions, RowsInDefaultPartition
from kernel.postgres.queries import Queries
from kernel.postgres.transaction import Statements, Transaction

__all__ = [
    "DatabaseContention",
    "DaysNotReleased",
    "Fence",
    "Maintenance",
    "Partitions",
    "Postgres",
    "Queries",
    "RowsInDefaultPartition",
    "Statements",
    "Transaction",
    "UnexpectedRows",
]
