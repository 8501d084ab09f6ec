"""Owns the version of the schema that this code needs."""

#: The newest file of infra/sql/migrations. Whoever adds a migration moves it; a test compares the two.
REQUIRED_MIGRATION = "20261122040000"
