"""The command line; ``python -m data_bridge.postgres`` runs it. Needs the extra ``cli``."""
