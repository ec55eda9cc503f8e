"""i2pcc dlq: what services could not apply, looked at, tried again or given up by an operator."""
