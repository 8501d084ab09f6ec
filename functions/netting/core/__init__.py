"""What netting decides: the clearing rule, the bytes of a batch, and how it is packed into transactions; pure."""
