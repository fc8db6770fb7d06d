"""Data sets on disk: catalogue, manifest, duplicates, splits. No PyTorch."""

from leukolens.data.catalogue import Catalogue, Item, catalogue_sha256, fingerprint
from leukolens.data.groups import Groups, read_groups
from leukolens.data.layouts import open_catalogue
from leukolens.data.split import METHODS, Fold, Method, Split, SplitItem, write_split
from leukolens.data.splitting import make_split
from leukolens.data.verify import read_split, verify_split

__all__ = [
    "METHODS",
    "Catalogue",
    "Fold",
    "Groups",
    "Item",
    "Method",
    "Split",
    "SplitItem",
    "catalogue_sha256",
    "fingerprint",
    "make_split",
    "open_catalogue",
    "read_groups",
    "read_split",
    "verify_split",
    "write_split",
]
