"""How fast this package is, beside its peers: `make bench`. What is measured, and how, is in benchmarks/README.md."""
