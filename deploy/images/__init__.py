"""What the containers are made from."""
