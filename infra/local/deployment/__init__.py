"""Owns what becomes of serverless.yml outside the local runner: its CloudFormation, and a deploy of it."""
