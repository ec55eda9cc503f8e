"""`i2pcc status`: what runs, what waits, and how much goes through."""
