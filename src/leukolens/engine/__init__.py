"""The bundle (networks, preparation, statistics, card) and the sessions of the inference engines."""
