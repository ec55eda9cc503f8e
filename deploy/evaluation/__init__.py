"""How well matching ranks, on sets whose answers are known."""
