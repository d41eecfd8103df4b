"""Messages to operators and approvers."""
