"""The contract between tools and everything that plans and runs them."""
