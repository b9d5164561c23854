"""Carries rows from stage to stage through RQ queues on Redis or Valkey, and starts things by the clock."""
