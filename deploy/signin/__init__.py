"""Sign-in for the sample's people: mock-oauth2-server with a key of our own, and getting tokens from it."""
