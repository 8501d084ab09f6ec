"""What the contests do beyond deciding: Postgres, the cluster, vendors."""
