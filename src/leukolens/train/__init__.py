"""Training: recipes, augmentation, the Lightning module, runs, export to a bundle. Needs the extra ``train``."""
