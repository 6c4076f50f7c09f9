"""What object-relational mappers are asked to do, and how each of them does it."""
