"""The registry of networks: builders, scaling, licence and start weights. Needs the extra ``train``."""
