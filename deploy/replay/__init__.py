"""i2pcc replay: a service's copies of what others say, made anew from the topics."""
