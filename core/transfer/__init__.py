"""The contract of strategies: phases, options, parameter groups and losses."""
